"""What a run leaves: its folder, tables, checksums and manifest, read and written, and compared."""
