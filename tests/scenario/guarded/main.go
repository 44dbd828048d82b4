// Shop serves what the docs of the build guard show, and nothing else. It ends with its standard input.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
)

func main() {
	http.HandleFunc("/version", serveVersion)
	http.HandleFunc("/healthz", serveHealth)
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(listener, nil)
	fmt.Println("http://" + listener.Addr().String())
	io.Copy(io.Discard, os.Stdin)
}
