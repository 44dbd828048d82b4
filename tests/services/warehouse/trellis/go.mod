module acme.example/trellis

go 1.27
