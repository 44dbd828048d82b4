module victim

go 1.27
