package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/bench/library"
	"github.com/seed1a8f7c28/session/bench/workload"
)

func TestFormat(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{span(64.4), "64 ns"},
		{span(999.7), "1.00 µs"},
		{span(14_830), "14.8 µs"},
		{span(217_000), "217 µs"},
		{span(1_934_000), "1.93 ms"},
		{size(1239.6), "1240 B"},
		{size(12_345), "12.3 kB"},
		{figure(1), "1"},
		{figure(1.115), "1.11"},
		{times(2.7), "2.70 × more"},
		{times(0.25), "4 × less"},
		{times(1.04), "the same"},
		{times(0.96), "the same"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestMedian(t *testing.T) {
	r, c := New(), Cell{Backend: "memory", Workload: "W1", Library: "scs"}
	if _, ok := r.Median(c); ok {
		t.Error("a median of nothing")
	}
	for i, cpu := range []float64{5, 1, 100, 4} {
		r.Add(c, workload.Result{CPU: cpu, Allocs: float64(i)})
	}
	if m, ok := r.Median(c); !ok || m.CPU != 4.5 || m.Allocs != 1.5 {
		t.Errorf("got %+v", m)
	}
}

// example has figures of three libraries in two workloads.
func example() *Report {
	r := New()
	r.Command, r.Rounds, r.Cell = "`make bench-peers`", 1, time.Second
	for name, cpu := range map[string]float64{"floor": 100, "session Start": 600, "scs": 2000, "beego": 300} {
		r.Add(Cell{Backend: "memory", Workload: "W1", Library: name}, workload.Result{CPU: cpu, Wall: 2 * cpu, Allocs: 3, Bytes: 48})
		r.Add(Cell{Backend: "redis", Workload: "W2", Library: name}, workload.Result{CPU: 1000 * cpu, Allocs: 1})
	}
	r.Trips[Cell{Backend: "redis", Workload: "W2", Library: "scs"}] = 2
	r.Add(Cell{Backend: "redis", Workload: "W2", Library: "beego", Served: true}, workload.Result{CPU: 20_000, Allocs: 7})
	r.Losses[Place{"redis", "scs"}] = workload.Losses{Kept: 1, Undone: workload.AllValues, Shared: true}
	r.Sizes["scs"] = 642
	failed := Cell{Backend: "redis", Workload: "W2", Library: "fiber"}
	r.Add(failed, workload.Result{CPU: 1})
	r.Fail(failed, errors.New("no session\nno session"))
	return r
}

func TestWrite(t *testing.T) {
	var b strings.Builder
	if err := example().Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n| CPU / allocations | floor | best peer | session Start |\n",
		"\n| W1 read one value | 100 ns / 3 | beego 300 ns / 3 | 600 ns / 3 (2 × more) |\n",
		"\n| session Start | 600 ns / 3<br>1.20 µs / 48 B |\n",
		"\n| fiber | fails |\n",
		"\nFails: redis/W2/fiber: no session.\n",
		"| floor | best peer | session Start |\n| --- | --- | --- | --- |\n| W2 read one value and write one | 100 µs / 1 | beego 300 µs / 1 |",
		"\n| scs | 2 ms / 1<br>0 ns / 0 B / 2 |\n",
		"\n| redis: beego | | 20 µs / 7 | | | | |\n",
		"\n| scs | 1 / yes / yes |\n",
		"\n| scs |\n| --- |\n| 642 |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("not in the report: %q", want)
		}
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimSpace(line))); n > 120 && !strings.HasPrefix(line, "|") {
			t.Errorf("a line of %d: %s", n, line)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

func TestChart(t *testing.T) {
	r := example()
	for _, dark := range []bool{false, true} {
		var b strings.Builder
		if err := r.Chart(&b, dark); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{">memory: read<", ">2 × (600 ns; beego 300 ns)<", ">redis: read and write<"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("not in the chart: %q\n%s", want, b.String())
			}
		}
		if strings.Contains(b.String(), themes[!dark].text) {
			t.Error("it has colors for the other background")
		}
		for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestServes checks that behind a server the best peers are measured, and the others not.
func TestServes(t *testing.T) {
	r := example()
	for name, want := range map[string]bool{"floor": true, "session mw": true, "beego": true, "scs": false} {
		l, err := library.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Serves("memory", l); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
