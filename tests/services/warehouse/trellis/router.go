// Package trellis is the house framework: a small router, exchanges, and what goes around them.
package trellis

import (
	"net/http"
	"strings"
)

// Handler answers one exchange; an error becomes the answer when nothing was written yet.
type Handler func(*Exchange) error

// Layer is what goes around a handler.
type Layer func(Handler) Handler

// Router finds handlers by method and path; a segment that begins with a colon matches anything.
type Router struct {
	routes map[string]*branch
	layers []Layer
}

type branch struct {
	fixed map[string]*branch
	named *branch
	name  string
	leaf  Handler
}

// New gives an empty router with layers around everything, the outermost first.
func New(layers ...Layer) *Router {
	return &Router{routes: map[string]*branch{}, layers: layers}
}

// Get adds a handler for GET.
func (r *Router) Get(path string, h Handler, layers ...Layer) { r.add(http.MethodGet, path, h, layers) }

// Post adds a handler for POST.
func (r *Router) Post(path string, h Handler, layers ...Layer) {
	r.add(http.MethodPost, path, h, layers)
}

func (r *Router) add(method, path string, h Handler, layers []Layer) {
	for i := len(layers) - 1; i >= 0; i-- {
		h = layers[i](h)
	}
	for i := len(r.layers) - 1; i >= 0; i-- {
		h = r.layers[i](h)
	}
	at := r.routes[method]
	if at == nil {
		at = &branch{fixed: map[string]*branch{}}
		r.routes[method] = at
	}
	for _, segment := range segments(path) {
		at = at.child(segment)
	}
	at.leaf = h
}

func (b *branch) child(segment string) *branch {
	if name, isNamed := strings.CutPrefix(segment, ":"); isNamed {
		if b.named == nil {
			b.named = &branch{fixed: map[string]*branch{}, name: name}
		}
		return b.named
	}
	next := b.fixed[segment]
	if next == nil {
		next = &branch{fixed: map[string]*branch{}}
		b.fixed[segment] = next
	}
	return next
}

// ServeHTTP makes a router an http.Handler.
func (r *Router) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	x := &Exchange{W: &recorder{ResponseWriter: w}, R: request}
	handler := r.find(x)
	if handler == nil {
		x.fail(Problem{http.StatusNotFound, "no such page"})
		return
	}
	if err := handler(x); err != nil {
		x.fail(err)
	}
}

func (r *Router) find(x *Exchange) Handler {
	at := r.routes[x.R.Method]
	for _, segment := range segments(x.R.URL.Path) {
		if at == nil {
			return nil
		}
		next, known := at.fixed[segment]
		if !known && at.named != nil {
			next = at.named
			x.keep(next.name, segment)
		}
		at = next
	}
	if at == nil {
		return nil
	}
	return at.leaf
}

func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
