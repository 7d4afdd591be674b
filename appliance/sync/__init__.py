"""Between the box's store and the cloud's broker: records up, changes down, and how the connection stands."""
