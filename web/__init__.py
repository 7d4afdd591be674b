"""What the web interfaces of box and cloud share: errors, bodies, lists, guarding, enrolment. Knows neither tier."""
