// Package looks contains what the pages of the examples have in common: the frame of a page, its style sheet, the headers,
// and the error pages. It has nothing to do with sessions.
package looks

import (
	"bytes"
	_ "embed"
	"html/template"
	"log"
	"net/http"
)

var (
	//go:embed frame.html
	frameText string
	//go:embed problem.html
	problemText string
	//go:embed style.css
	style []byte

	frame       = template.Must(template.New("frame").Parse(frameText)) // only cloned, because a template that was executed cannot be cloned
	problemPage = NewPage(problemText)
)

// A Page is a template between the head and the foot that all pages have.
type Page struct{ t *template.Template }

// NewPage parses a template that begins with {{template "head" .}} and ends with {{template "foot" .}}. Its data must have a
// field Title. NewPage panics if the text is invalid.
func NewPage(text string) Page {
	return Page{template.Must(template.Must(frame.Clone()).New("page").Parse(text))}
}

// Bytes returns the page as HTML. If the template fails, the result is incomplete and must not be sent.
func (p Page) Bytes(v any) ([]byte, error) {
	var b bytes.Buffer
	err := p.t.Execute(&b, v)
	return b.Bytes(), err
}

// ContentType is the Content-Type of every Page and of Problem.
const ContentType = "text/html; charset=utf-8"

// Write sends the page with the status. If the template fails, it sends the page for status 500 instead.
func (p Page) Write(w http.ResponseWriter, status int, v any) {
	html, err := p.Bytes(v)
	if err != nil {
		log.Print(err)
		status, html = http.StatusInternalServerError, Problem(http.StatusInternalServerError)
	}
	w.Header().Set("Content-Type", ContentType)
	w.WriteHeader(status)
	w.Write(html)
}

// A problem is the text that a visitor sees for a status.
type problem struct{ Title, What, Link string }

var problems = map[int]problem{
	http.StatusForbidden:          {"Refused", "This request came from another site and was refused.", "To the first page"},
	http.StatusNotFound:           {"No such page", "There is nothing at this address.", "To the first page"},
	http.StatusServiceUnavailable: {"Please try again", "The sessions cannot be reached just now. Your request may not have been carried out.", "Try again"},
}

// Problem returns the error page for a status, as HTML.
func Problem(status int) []byte {
	p, ok := problems[status]
	if !ok {
		p = problem{http.StatusText(status), "Something went wrong on our side.", "To the first page"}
	}
	html, err := problemPage.Bytes(p)
	if err != nil {
		return []byte(p.What)
	}
	return html
}

// Fail sends the error page for a status.
func Fail(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	w.Write(Problem(status))
}

// NotFound sends the error page for an address without a page.
func NotFound(w http.ResponseWriter, _ *http.Request) { Fail(w, http.StatusNotFound) }

// Style serves the style sheet, which pages expect at /style.css.
func Style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Write(style)
}

// Policy is the Content-Security-Policy of every response: no scripts run, and no other site can show the page in a frame.
const Policy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Header contains the headers of every response.
var Header = map[string]string{
	"Content-Security-Policy": Policy,
	"Referrer-Policy":         "same-origin",
	"X-Content-Type-Options":  "nosniff",
}

// MaxBody is the maximum length of a request body, in bytes.
const MaxBody = 16 << 10

// Secured sets Header, limits the request body to MaxBody, and refuses requests that another site makes a browser send.
func Secured(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { Fail(w, http.StatusForbidden) }))
	next = guard.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range Header {
			w.Header().Set(name, value)
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		next.ServeHTTP(w, r)
	})
}
