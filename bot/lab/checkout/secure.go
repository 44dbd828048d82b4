package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	day        = 24 * time.Hour
	secureName = "checkout.internal"
)

// A certificate of this process, and its key.
type certificate struct {
	signed *x509.Certificate
	key    *ecdsa.PrivateKey
}

// issue signs a certificate for a subject by an authority, or by itself without one.
func issue(by *certificate, subject string, template x509.Certificate) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template.Subject = pkix.Name{CommonName: subject}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-2 * day)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(90 * day)
	}
	template.BasicConstraintsValid = true
	if by == nil {
		by = &certificate{&template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, by.signed, &key.PublicKey, by.key)
	if err != nil {
		return nil, err
	}
	signed, err := x509.ParseCertificate(der)
	return &certificate{signed, key}, err
}

// chains are what users may be served: the good one, then the broken ones by size.
type chains [1 + len(brokenChains)]tls.Certificate

// listenSecurely opens a port for users over TLS, and writes the authority that they trust into a file.
func listenSecurely(address, file string) (net.Listener, *tls.Config, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	issued, err := issueChains(file)
	return listener, &tls.Config{GetConfigForClient: issued.forClient}, err
}

// issueChains makes an authority that lives as long as this process.
func issueChains(file string) (*chains, error) {
	authority := x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	root, err := issue(nil, "Checkout Root", authority)
	if err != nil {
		return nil, err
	}
	middle, err := issue(root, "Checkout Intermediate", authority)
	if err != nil {
		return nil, err
	}
	issued := &chains{}
	for place := range issued {
		template := x509.Certificate{DNSNames: []string{secureName}}
		subject, alone := secureName, false
		if place > 0 {
			subject, alone = brokenChains[place-1](&template)
		}
		leaf, err := issue(middle, subject, template)
		if err != nil {
			return nil, err
		}
		chain := [][]byte{leaf.signed.Raw}
		if !alone {
			chain = append(chain, middle.signed.Raw)
		}
		issued[place] = tls.Certificate{Certificate: chain, PrivateKey: leaf.key}
	}
	block := &pem.Block{Type: "CERTIFICATE", Bytes: root.signed.Raw}
	return issued, os.WriteFile(file, pem.EncodeToMemory(block), 0o644)
}

// forClient is what a client gets now: the faults decide.
func (c *chains) forClient(*tls.ClientHelloInfo) (*tls.Config, error) {
	protocols := []string{"h2", "http/1.1"}
	if withoutH2.Load() {
		protocols = protocols[1:]
	}
	return &tls.Config{Certificates: c[brokenChain.Load():][:1], NextProtos: protocols}, nil
}

// What is wrong with how users are served over TLS: which chain (0 is good), and whether h2 is left out.
var (
	brokenChain atomic.Int32
	withoutH2   atomic.Bool
)
