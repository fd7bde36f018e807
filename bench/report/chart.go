package report

import (
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/workload"
)

// A theme has the colors of a chart.
type theme struct{ text, faint, less, more string }

var themes = map[bool]theme{
	false: {text: "#1f2328", faint: "#818b98", less: "#1a7f37", more: "#bc4c00"},
	true:  {text: "#f0f6fc", faint: "#9198a1", less: "#3fb950", more: "#f0883e"},
}

// A bar compares this package with the best peer.
type bar struct {
	label       string
	ratio       float64 // our CPU divided by the peer's
	ours, peers string  // what each needs, with the peer's name
}

// bars returns what the chart shows: on each backend a request that reads, and one that reads and writes.
func (r *Report) bars() (bars []bar) {
	for _, backend := range library.Backends {
		_, peers := r.split(backend)
		for _, w := range r.workloads(backend, false) {
			c := Cell{Backend: backend, Workload: w.Name}
			best := r.Best(c, peers)
			if len(w.Kinds) != 1 || kindNames[w.Kinds[0]] == "" || best == "" || r.cpu(c, charted) == 0 {
				continue
			}
			bars = append(bars, bar{
				label: backend + ": " + kindNames[w.Kinds[0]],
				ratio: r.cpu(c, charted) / r.cpu(c, best),
				ours:  span(r.cpu(c, charted)), peers: best + " " + span(r.cpu(c, best)),
			})
		}
	}
	return bars
}

// kindNames has the kinds of requests that the chart shows.
var kindNames = map[workload.Kind]string{workload.Read: "read", workload.Write: "read and write"}

// charted is the way of using this package that the chart shows.
const charted = "session Start"

// The layout of the chart, in pixels.
const (
	chartLeft  = -20 // where the longest label begins
	chartWidth = 880
	barLeft    = 180
	barRight   = 560 // the end of the longest bar
	rowHeight  = 24
	chartTop   = 64
)

// Chart writes the chart of the README as SVG, for a dark background or a light one.
func (r *Report) Chart(w io.Writer, dark bool) error {
	var b strings.Builder
	bars, t := r.bars(), themes[dark]
	longest := 1.0
	for _, bar := range bars {
		longest = max(longest, bar.ratio)
	}
	x := func(ratio float64) float64 { return barLeft + ratio/longest*(barRight-barLeft) }
	height := chartTop + rowHeight*len(bars) + 12
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="%d 0 %d %d" role="img" font-family="system-ui, sans-serif" font-size="13">`+"\n",
		chartLeft, chartWidth, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(chartTitle))
	text := func(x float64, y int, color, anchor, format string, args ...any) {
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" fill="%s" text-anchor="%s">%s</text>`+"\n",
			x, y, color, anchor, html.EscapeString(fmt.Sprintf(format, args...)))
	}
	text(chartLeft, 18, t.text, "start", "%s", chartTitle)
	text(x(1), chartTop-12, t.faint, "middle", "best peer")
	for i, bar := range bars {
		y, color := chartTop+rowHeight*i, t.less
		if bar.ratio > 1 {
			color = t.more
		}
		text(barLeft-10, y+15, t.text, "end", "%s", bar.label)
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`+"\n", barLeft, y+3, x(bar.ratio)-barLeft, rowHeight-8, color)
		text(barRight+10, y+15, t.text, "start", "%s × (%s; %s)", figure(bar.ratio), bar.ours, bar.peers)
	}
	fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s" stroke-dasharray="4 3"/>`+"\n",
		x(1), x(1), chartTop-6, height-10, t.faint)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

const chartTitle = "CPU time of a request with a session, as a multiple of the best peer's (shorter is better)"
