package sqltest

import (
	"testing"

	"github.com/seed1a8f7c28/session/sessiontest"
)

// Test runs what holds for every engine. The tests of one column wait for each other, since they measure, or keep the
// machine busy.
func (e Engine) Test(t *testing.T) {
	tests := []struct {
		name string
		test func(t *testing.T)
	}{
		{"Contract", func(t *testing.T) { sessiontest.Run(t, e.Harness()) }},
		{"Model", func(t *testing.T) { sessiontest.Model(t, e.Harness(), 12) }},
		{"Pool", e.pool},
		{"Exhausted", e.exhausted},
		{"TwoProcesses", func(t *testing.T) { e.twoProcesses(t, e.Empty(t)) }},
		{"Sweep", func(t *testing.T) { e.sweep(t, e.sweepSize()) }},
		{"SetUp", e.setUp},
	}
	if e.Server != nil {
		tests = append(tests, []struct {
			name string
			test func(t *testing.T)
		}{
			{"Trips", e.trips},
			{"LostAnswer", e.lostAnswers},
			{"Serializable", func(t *testing.T) { e.twoProcesses(t, e.Empty(t)+e.Server.Serializable) }},
			{"Fault", e.faults},
		}...)
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.test)
	}
}
