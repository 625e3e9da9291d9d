"""What `doctor` tries: each part of the installation by itself, with the next step where one does not work."""
