package couriers

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// gets asks for a page over kept connections.
func gets(order Order) func() {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: order.Crowd}, Timeout: order.Deadline}
	return func() {
		answer, err := client.Get(order.URL + order.Method)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}

func ask(order Order, header string) (net.Conn, error) {
	socket, err := net.Dial("tcp", strings.TrimPrefix(order.URL, "http://"))
	if err != nil {
		time.Sleep(50 * time.Millisecond)
		return nil, err
	}
	_, err = fmt.Fprintf(socket, "GET %s HTTP/1.1\r\nHost: dispatcher\r\n%s\r\n", order.Method, header)
	return socket, err
}

// hangs asks for a page and never reads it.
func hangs(order Order) func() {
	return func() {
		if socket, err := ask(order, ""); err == nil {
			defer socket.Close()
			select {}
		}
	}
}

// sips reads a long page bit by bit, over a slow line.
func sips(order Order) func() {
	return func() {
		socket, err := ask(order, "")
		if err != nil {
			return
		}
		defer socket.Close()
		if line, plain := socket.(*net.TCPConn); plain {
			_ = line.SetReadBuffer(64 << 10) // a small device
		}
		mouth := make([]byte, 32<<10)
		for range 120 { // then the screen turns to the next depot
			if _, err := io.ReadFull(socket, mouth); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// idles keeps a connection open, as a phone does, and asks again every now and then.
func idles(order Order) func() {
	return func() {
		socket, err := ask(order, "")
		if err != nil {
			return
		}
		defer socket.Close()
		answers := bufio.NewReader(socket)
		for {
			answer, err := http.ReadResponse(answers, nil)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			time.Sleep(45 * time.Second)
			if _, err := fmt.Fprintf(socket, "GET %s HTTP/1.1\r\nHost: dispatcher\r\n\r\n", order.Method); err != nil {
				return
			}
		}
	}
}

// knocks asks once over a new connection, which the server closes.
func knocks(order Order) func() {
	return func() {
		socket, err := ask(order, "Connection: close\r\n")
		if err != nil {
			return
		}
		defer socket.Close()
		_, _ = io.Copy(io.Discard, socket)
	}
}
