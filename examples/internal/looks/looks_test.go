package looks

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestPageThatFails shows the visitor nothing of it.
func TestPageThatFails(t *testing.T) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	p := NewPage(`{{template "head" .}}half of it{{.Missing}}{{template "foot" .}}`)
	w := httptest.NewRecorder()
	p.Write(w, http.StatusOK, struct{ Title string }{"half"})
	if body := w.Body.String(); w.Code != http.StatusInternalServerError || strings.Contains(body, "half") || !strings.Contains(body, "went wrong") {
		t.Errorf("status %d\n%s", w.Code, body)
	}
}

func TestProblemsHaveAPageEach(t *testing.T) {
	for status, p := range problems {
		html := string(Problem(status))
		for _, want := range []string{"<h1>" + p.Title + "</h1>", p.What, ">" + p.Link + "</a>", "/style.css", "</html>"} {
			if !strings.Contains(html, want) {
				t.Errorf("%d: no %q in\n%s", status, want, html)
			}
		}
	}
}
