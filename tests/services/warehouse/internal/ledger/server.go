package ledger

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// Serve answers statements until the listener closes: the database, in a process of its own.
func Serve(listener net.Listener) error {
	for {
		accepted, err := listener.Accept()
		if err != nil {
			return err
		}
		go converse(newWire(accepted))
	}
}

func converse(w *wire) {
	defer w.Close()
	for {
		var asked ask
		if w.in.Decode(&asked) != nil {
			return
		}
		if w.send(execute(asked)) != nil {
			return
		}
	}
}

// execute knows the few statements of the warehouse; the last argument of CALL is how long it works, in ms.
func execute(asked ask) reply {
	switch verb, _, _ := strings.Cut(asked.SQL, " "); verb {
	case "SELECT":
		return selected(asked)
	case "INSERT", "UPDATE":
		time.Sleep(time.Millisecond)
		return reply{Rows: [][]any{{"ok"}}}
	case "CALL":
		time.Sleep(time.Duration(number(asked.Args)) * time.Millisecond)
		return reply{Columns: []string{"done"}, Rows: [][]any{{"yes"}}}
	}
	return reply{Error: "ledger: cannot understand " + asked.SQL}
}

func selected(asked ask) reply {
	answer := reply{Columns: []string{"id", "sku", "quantity"}}
	for i := range int(min(number(asked.Args), 500)) {
		answer.Rows = append(answer.Rows, []any{fmt.Sprintf("order-%06d", i), fmt.Sprintf("sku-%05d", i*37%9000), "3"})
	}
	return answer
}

func number(args []any) int64 {
	if len(args) == 0 {
		return 0
	}
	value, isNumber := args[len(args)-1].(float64)
	if !isNumber {
		return 0
	}
	return int64(value)
}
