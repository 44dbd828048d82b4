package crowd

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// spread is the time in which a crowd that stays arrives.
const spread = 5 * time.Second

// shoppers wait for their answers as long as it takes.
func shoppers(p Plan) {
	client := newClient(p.Count, 0)
	paced(p, func(number int) { visit(client, address(p.URL, number)) })
}

// impatient callers hang up after a second.
func impatient(p Plan) {
	client := newClient(p.Count, time.Second)
	paced(p, func(number int) { visit(client, address(p.URL, number)) })
}

// pollers come again as soon as they are answered.
func pollers(p Plan) {
	client := newClient(p.Count, 0)
	arrive(p, func(int) {
		for {
			visit(client, p.URL)
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// idlers ask once and keep their connection for the next time.
func idlers(p Plan) {
	arrive(p, func(int) {
		client := &http.Client{Transport: &http.Transport{}}
		for {
			visit(client, p.URL)
			time.Sleep(40 * time.Second)
		}
	})
}

// oneshots close after every answer.
func oneshots(p Plan) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	paced(p, func(int) { visit(client, p.URL) })
}

// sleepers ask for something long and do not read it.
func sleepers(p Plan) {
	arrive(p, func(int) {
		if opened := ask(p.URL); opened != nil {
			select {}
		}
	})
}

// strollers read slowly, but they do read.
func strollers(p Plan) {
	arrive(p, func(int) {
		for {
			opened := ask(p.URL)
			if opened == nil {
				return
			}
			some := make([]byte, 16<<10)
			for {
				if _, err := opened.Read(some); err != nil {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			opened.Close()
		}
	})
}

// handhelds speak the scanners' own protocol, and hang up when they have heard the greeting.
func handhelds(p Plan) {
	target, err := url.Parse(p.URL)
	if err != nil {
		return
	}
	paced(p, func(number int) {
		opened, err := net.Dial("tcp", target.Host)
		if err != nil {
			return
		}
		defer opened.Close()
		_ = opened.SetDeadline(time.Now().Add(5 * time.Second))
		greeting := make([]byte, 64)
		if _, err := opened.Read(greeting); err == nil {
			_, _ = fmt.Fprintf(opened, "BEEP handheld-%d\n", number)
			_, _ = opened.Read(greeting)
		}
	})
}

func arrive(p Plan, stay func(number int)) {
	for number := range p.Count {
		go stay(number)
		time.Sleep(spread / time.Duration(p.Count))
	}
}

// ask opens a connection with a small window and sends one request.
func ask(address string) net.Conn {
	target, err := url.Parse(address)
	if err != nil {
		return nil
	}
	opened, err := net.Dial("tcp", target.Host)
	if err != nil {
		return nil
	}
	_ = opened.(*net.TCPConn).SetReadBuffer(16 << 10)
	_, err = fmt.Fprintf(opened, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target.RequestURI(), target.Host)
	if err != nil {
		return nil
	}
	return opened
}
