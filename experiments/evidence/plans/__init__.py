"""What operators have planned, against dispatches of planned days that are written down anew."""
