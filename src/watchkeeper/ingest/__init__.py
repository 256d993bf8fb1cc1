"""How rows come in: files, folders, frames and what serving processes left."""
