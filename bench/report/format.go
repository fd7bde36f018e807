package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// figure has three significant digits, or all before the point.
func figure(v float64) string {
	digits := 0
	switch {
	case v == math.Trunc(v) || v >= 99.95:
	case v >= 9.995:
		digits = 1
	default:
		digits = 2
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// span writes nanoseconds.
func span(ns float64) string {
	switch {
	case ns < 999.5:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 999_500:
		return figure(ns/1e3) + " µs"
	}
	return figure(ns/1e6) + " ms"
}

// size writes bytes.
func size(bytes float64) string {
	if bytes < 9999.5 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	return figure(bytes/1e3) + " kB"
}

// wrap breaks a paragraph at spaces.
func wrap(text string) string {
	const width = 118
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch length := len([]rune(word)); {
		case i == 0:
		case column+1+length > width:
			b.WriteString("\n")
			column = 0
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += len([]rune(word))
	}
	return b.String()
}
