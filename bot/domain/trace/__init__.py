"""A request's way through the services, rebuilt from their log lines: lines -> chain -> findings -> drawing."""
