module clinic

go 1.27

require lantern.test/lantern v0.0.0

replace lantern.test/lantern => ./lantern
