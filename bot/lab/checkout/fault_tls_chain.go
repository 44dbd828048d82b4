package main

import (
	"crypto/x509"
	"time"
)

func init() {
	register(&tlsChain{described{"tls-chain", "Serves a certificate that clients refuse: it has expired, lacks its intermediate, or is another's", "tls-chain"}})
}

// brokenChains change a leaf before it is signed, by size; what they give is its subject, and whether it is served alone.
var brokenChains = [...]func(*x509.Certificate) (subject string, alone bool){
	small: func(leaf *x509.Certificate) (string, bool) {
		leaf.NotAfter = time.Now().Add(-time.Hour)
		return secureName, false
	},
	medium: func(*x509.Certificate) (string, bool) { return secureName, true },
	large: func(leaf *x509.Certificate) (string, bool) {
		leaf.DNSNames = []string{"default.internal"}
		return leaf.DNSNames[0], false
	},
}

// tlsChain serves a chain that proves nothing to clients.
type tlsChain struct{ described }

func (*tlsChain) start(s size) { brokenChain.Store(1 + int32(s)) }

func (*tlsChain) free() { brokenChain.Store(0) }
