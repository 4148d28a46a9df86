"""The screens of the floor, one file per subject."""
