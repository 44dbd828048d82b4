module lantern.test/lantern

go 1.27
