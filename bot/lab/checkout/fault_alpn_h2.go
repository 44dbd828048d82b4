package main

func init() {
	register(&alpnH2{described{"alpn-h2", "Offers no HTTP/2 over TLS any more", "alpn-h2"}})
}

// alpnH2 forgets NextProtos, as a tls.Config of one's own does: everybody falls back to HTTP/1.1.
type alpnH2 struct{ described }

func (*alpnH2) start(size) { withoutH2.Store(true) }

func (*alpnH2) free() { withoutH2.Store(false) }
