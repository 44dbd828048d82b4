module parcels.example/dispatcher/v2

go 1.27
