// Package child starts this program again in another role.
package child

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"time"
)

// Start runs this program with more arguments; the first line that it prints is given back, when one is wanted.
func Start(wantsLine bool, arguments ...string) (line []byte, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	command := exec.Command(program, append(arguments, "-follow-stdin")...)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	var stdout io.ReadCloser
	if wantsLine {
		if stdout, err = command.StdoutPipe(); err != nil {
			return nil, nil, err
		}
	}
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	if wantsLine {
		if line, err = bufio.NewReader(stdout).ReadBytes('\n'); err != nil {
			_ = command.Process.Kill()
			return nil, nil, err
		}
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	return line, func() {
		stdin.Close()
		select {
		case <-ended:
		case <-time.After(3 * time.Second):
			_ = command.Process.Kill()
			<-ended
		}
	}, nil
}
