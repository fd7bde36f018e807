// Package looks is what the pages of the examples have in common: the frame of a page, its style sheet, the headers, and
// the pages that say what went wrong. What an example does with its sessions is all its own.
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

	frame       = template.Must(template.New("frame").Parse(frameText)) // is only cloned: one that was executed cannot be
	problemPage = NewPage(problemText)
)

// A Page is a template between the head and the foot that all pages have.
type Page struct{ t *template.Template }

// NewPage parses a text that has {{template "head" .}} first and {{template "foot" .}} last. What it shows has a Title.
func NewPage(text string) Page {
	return Page{template.Must(template.Must(frame.Clone()).New("page").Parse(text))}
}

// Bytes returns the page as HTML. With an error there is none of it.
func (p Page) Bytes(v any) ([]byte, error) {
	var b bytes.Buffer
	err := p.t.Execute(&b, v)
	return b.Bytes(), err
}

// ContentType is that of each Page, and Problem.
const ContentType = "text/html; charset=utf-8"

// Write answers with the page. It writes nothing of a template that fails.
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

// A problem is what a visitor is told of a status.
type problem struct{ Title, What, Link string }

var problems = map[int]problem{
	http.StatusForbidden:          {"Refused", "This came from another site, and nothing was done.", "To the first page"},
	http.StatusNotFound:           {"No such page", "There is nothing at this address.", "To the first page"},
	http.StatusServiceUnavailable: {"Please try again", "The sessions cannot be reached just now. What you asked for may not have been done.", "Try again"},
}

// Problem returns the page that tells a visitor of a status, as HTML.
func Problem(status int) []byte {
	p, ok := problems[status]
	if !ok {
		p = problem{http.StatusText(status), "Something went wrong here, and not with you.", "To the first page"}
	}
	html, err := problemPage.Bytes(p)
	if err != nil {
		return []byte(p.What)
	}
	return html
}

// Fail answers with the page of a status.
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

// NotFound answers with the page for an address that has none.
func NotFound(w http.ResponseWriter, _ *http.Request) { Fail(w, http.StatusNotFound) }

// Style answers with the style sheet, which pages look for at /style.css.
func Style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Write(style)
}

// Policy is the Content-Security-Policy of every answer: no script runs, and no other site shows the page in a frame.
const Policy = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Header has the headers of every answer.
var Header = map[string]string{
	"Content-Security-Policy": Policy,
	"Referrer-Policy":         "same-origin",
	"X-Content-Type-Options":  "nosniff",
}

// MaxBody is how much is read of a form, in bytes.
const MaxBody = 16 << 10

// Secured sets Header, limits what is read of a form, and refuses what another site has a browser send.
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
