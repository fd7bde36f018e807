package sqltest

import (
	"testing"

	"github.com/seed1a8f7c28/session/sessiontest"
)

// Test runs the tests that apply to every engine.
func (e Engine) Test(t *testing.T) {
	for _, tt := range []struct {
		name     string
		ofServer bool // only for a server
		ofDriver bool // may depend on the driver
		test     func(t *testing.T)
	}{
		{"Contract", false, true, func(t *testing.T) { sessiontest.Run(t, e.Harness()) }},
		{"Model", false, true, func(t *testing.T) { sessiontest.Model(t, e.Harness(), 12) }},
		{"Pool", false, true, e.pool},
		{"Exhausted", false, true, e.exhausted},
		{"Crowd", false, true, e.crowd},
		{"TableGone", false, true, e.tableGone},
		{"SameAgain", false, true, e.sameAgain},
		{"ForeignRow", false, true, e.foreignRow},
		{"Resent", false, true, e.resent},
		{"LostMark", false, true, e.lostMark},
		{"InBetween", false, true, e.inBetween},
		{"ListMany", false, false, e.listMany},
		{"TwoProcesses", false, false, func(t *testing.T) { e.twoProcesses(t, e.Empty(t)) }},
		{"Sweep", false, false, func(t *testing.T) { e.sweep(t, e.sweepSize()) }},
		{"SetUp", false, true, e.setUp},
		{"Upgrade", false, false, e.upgrade},
		{"HalfUpgraded", false, false, e.halfUpgraded},
		{"Zones", true, true, e.zones},
		{"Trips", true, true, e.trips},
		{"MarkTrips", true, true, e.markTrips},
		{"LostAnswer", true, true, e.lostAnswers},
		{"Late", true, true, e.lateStatements},
		{"LostIdle", true, true, e.lostIdle},
		{"Silence", true, true, e.Silence},
		{"OwnPool", false, true, e.ownPool},
		{"SlowToOpen", true, false, e.slowToOpen},
		{"Serializable", true, true, func(t *testing.T) { e.twoProcesses(t, e.Empty(t)+e.Server.Serializable) }},
		{"Failover", true, true, e.Failover},
		{"Pings", true, true, e.Pings},
		{"Fault", true, true, e.fail},
		{"History", false, true, e.history},
	} {
		if (e.Server != nil || !tt.ofServer) && (!e.DriverOnly || tt.ofDriver) && (e.App == nil || !lossyDriver[tt.name]) {
			t.Run(tt.name, tt.test)
		}
	}
}

// lossyDriver are the tests that put a driver of database/sql into the way.
var lossyDriver = map[string]bool{"Resent": true, "LostMark": true, "InBetween": true}
