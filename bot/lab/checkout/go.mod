module checkout

go 1.27
