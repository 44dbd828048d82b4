package trellis

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// Exchange is one request and its answer.
type Exchange struct {
	W http.ResponseWriter
	R *http.Request

	params map[string]string
}

// Problem is an error with the status it is answered with.
type Problem struct {
	Status int
	Detail string
}

func (p Problem) Error() string { return p.Detail }

// Context ends when the caller hangs up.
func (x *Exchange) Context() context.Context { return x.R.Context() }

// Param gives what a named segment of the path matched.
func (x *Exchange) Param(name string) string { return x.params[name] }

// Query gives a query parameter, or what to take instead.
func (x *Exchange) Query(name, otherwise string) string {
	if value := x.R.URL.Query().Get(name); value != "" {
		return value
	}
	return otherwise
}

// Number gives a query parameter as a number, or what to take instead.
func (x *Exchange) Number(name string, otherwise int) int {
	if value, err := strconv.Atoi(x.R.URL.Query().Get(name)); err == nil {
		return value
	}
	return otherwise
}

// JSON answers with a value.
func (x *Exchange) JSON(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	x.W.Header().Set("Content-Type", "application/json")
	x.W.WriteHeader(status)
	_, err = x.W.Write(body)
	return err
}

// Flush sends what was written so far.
func (x *Exchange) Flush() error { return http.NewResponseController(x.W).Flush() }

func (x *Exchange) keep(name, value string) {
	if x.params == nil {
		x.params = map[string]string{}
	}
	x.params[name] = value
}

func (x *Exchange) fail(err error) {
	if written, ok := x.W.(*recorder); ok && written.status != 0 {
		return
	}
	problem := Problem{http.StatusInternalServerError, err.Error()}
	errors.As(err, &problem)
	_ = x.JSON(problem.Status, map[string]string{"error": problem.Detail})
}

// recorder remembers the status for the layers.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(body []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(body)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
