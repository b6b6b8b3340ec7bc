from row import row
