"""The whole line on one virtual head: goal, styling, pictures, report."""
