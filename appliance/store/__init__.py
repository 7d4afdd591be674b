"""The box's only memory: SQLite for what is true, files for pictures and clips, FAISS as a cache of faces."""
