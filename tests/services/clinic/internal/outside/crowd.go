package outside

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Crowd is a number of people (or machines of theirs) who all do the same.
type Crowd struct {
	Kind  string `json:"kind"`  // visitors, strangers, readers, guests, deaf, callers
	At    string `json:"at"`    // the URL they ask for, or the address they call
	Count int    `json:"count"` // how many there are
	Rate  int    `json:"rate"`  // how many more come each second
	Pause int    `json:"pause"` // milliseconds between two pieces that they read
}

func (c Crowd) come(ctx context.Context, here *sync.WaitGroup) {
	one := map[string]func(context.Context){
		"visitors": func(ctx context.Context) { Visit(ctx, http.DefaultClient, c.At) },
		"strangers": func(ctx context.Context) {
			Visit(ctx, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, c.At)
		},
		"readers": c.read,
		"guests":  func(ctx context.Context) { c.connect(ctx, true) },
		"deaf":    func(ctx context.Context) { c.connect(ctx, false) },
		"callers": func(context.Context) { c.call() },
	}[c.Kind]
	for range c.Count {
		here.Go(func() { one(ctx) })
	}
	if c.Rate > 0 {
		here.Go(func() { Paced(ctx, c.Rate, 128, func() { one(ctx) }) })
	}
}

// Paced does something so many times a second, whatever it takes; more than `most` at a time are left out.
func Paced(ctx context.Context, rate, most int, do func()) {
	inside := make(chan struct{}, most)
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case inside <- struct{}{}:
			go func() {
				defer func() { <-inside }()
				do()
			}()
		default:
		}
	}
}

// Visit asks for a page and reads it to its end.
func Visit(ctx context.Context, client *http.Client, url string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	if response, err := client.Do(request); err == nil {
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

// read reads what comes, in small pieces and with pauses, again and again.
func (c Crowd) read(ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	piece := make([]byte, 64<<10)
	for ctx.Err() == nil {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.At, nil)
		response, err := client.Do(request)
		for err == nil {
			_, err = response.Body.Read(piece)
			time.Sleep(time.Duration(c.Pause) * time.Millisecond)
		}
		if response != nil {
			response.Body.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// connect asks once on a connection of its own and keeps it, whether or not it hears the answer.
func (c Crowd) connect(ctx context.Context, listens bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.At, nil)
	if err != nil {
		return
	}
	conn, err := net.Dial("tcp", request.URL.Host)
	if err != nil {
		return
	}
	defer conn.Close()
	if !listens {
		conn.(*net.TCPConn).SetReadBuffer(4096)
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "vitals")
	if listens {
		request.Header = http.Header{}
	}
	if request.Write(conn) != nil {
		return
	}
	if listens {
		if response, err := http.ReadResponse(bufio.NewReader(conn), request); err == nil {
			io.Copy(io.Discard, response.Body)
		}
	}
	<-ctx.Done()
}

// call says one line and hangs up.
func (c Crowd) call() {
	if conn, err := net.DialTimeout("tcp", c.At, time.Second); err == nil {
		fmt.Fprintln(conn, "REFERRAL for the heart, as agreed")
		conn.Close()
	}
}
