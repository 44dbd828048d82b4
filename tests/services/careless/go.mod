module example.com/careless

go 1.22
