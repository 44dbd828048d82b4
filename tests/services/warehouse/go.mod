module acme.example/warehouse

go 1.27

require acme.example/trellis v0.0.0

replace acme.example/trellis => ./trellis
