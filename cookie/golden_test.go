package cookie_test

import (
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A cookie of version 1, sealed when the format was new. It expires in this century's nineties.
const (
	golden    = "ARFf-Th4bERcotOA5aiN5Hextnilr-bQDD32k5RTCu7QduoBPKgXTfC94LrZt6kzYu5PRLa7UCi86pg0-ASLdd7ZdCxtAPYtrefc2_HyXPr3IoogSZEiTYbj7TStkCQhhjW7gnM40_gGqqENrygefoiUrppwZeAhNc7Ow_GnIqkoO4PdXzllF4LZPr9WpoYk5Hl0Iz_AfJh_MSxQSQ3iq-w"
	goldenSID = "023e49bf3b4846ee335bc70f67fa08f9"
)

// What was sealed by one version of this package is opened by later ones.
func TestGolden(t *testing.T) {
	m := newManager(t, oneKey, session.CfgNamespace("app"))
	for what, values := range map[string][]string{
		"in one cookie": {golden},
		"in two":        {"2." + golden[:9], golden[9:]},
		"in four":       {"4." + golden[:50], golden[50:60], golden[60:61], golden[61:]},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", pairs(values...))
		s := start(t, m, httptest.NewRecorder(), r)
		if s.Get(t.Context(), "user") != "ann" || s.Get(t.Context(), 7) != int64(42) || s.SessionID(t.Context()) != goldenSID {
			t.Errorf("%s: user = %v, 7 = %v", what, s.Get(t.Context(), "user"), s.Get(t.Context(), 7))
		}
	}
	// There is one way to write it: not even with its key is another accepted.
	two := newManager(t, `{"securityKey": "a secret of the tests", "maxCookies": 2}`, session.CfgNamespace("app"))
	for what, values := range map[string][]string{
		"in one, with a number": {"1." + golden},
		"in more than allowed":  {"3." + golden[:50], golden[50:60], golden[60:]},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", pairs(values...))
		if s := start(t, two, httptest.NewRecorder(), r); !s.IsNew() {
			t.Errorf("%s: it opens", what)
		}
	}
}

// A cookie made by a copy of beego's encodeCookie, at the time at which a test's clock begins.
const goldenOfBeego = "OTQ2Njg0ODAwfGJXVzVYQ09KTEZjaUdWR2JfekF1Mk9ha2xSZHhnQkkxdmg0ODZNbFlqdmswR0pDb3NrM084TTNZNWhUcFlnOEpINXJjQ3h6Q281VFJpOVFLdVRtNTFPLTZ3QjItbEdRSm85ZGNhMDlzMHM4X2t3aTJiQ1MxQnBLTEpPNmpkdFN4Mjc5aEtTUVdNem1NMFNyazZzN2VFMXB4Tml5RVZjMkpKbnhoZHVadWt2R29LN3BkTGNvUVNhZDRCWUVKZkRJNnN3UnR0ekJ6bEJ6bmNaWUpodDlXRDBON1M5aUpvTXJ3aWJ4dmFZakFRWUtjNUU1S0I5REpLd1VmMF80Z0p4SEhWMHZTaHhMRi13OVlBeTRYRHFfLUlpcXo1Rjl2fPxghFR6Zc2T4mdTusfRUBHLHnxmQvgZ7mSd_xlTiAPi"

func TestGoldenOfBeego(t *testing.T) {
	browse(t, "after an hour less a moment", func(t *testing.T) {
		m := newManager(t, theirs.config(), session.CfgBeego(true))
		b := newBrowser(t)
		b.jar.take([]string{"gosessionid=" + goldenOfBeego + "; Path=/; HttpOnly"}, false)
		time.Sleep(time.Hour - time.Nanosecond)
		for range 2 { // as beego has sealed it, then as it was sealed anew
			for key, want := range map[any]any{
				"user": "ann", 7: int64(42), "roles": []any{"admin", 1}, "names": map[string]string{"a": "b"},
			} {
				if got := b.value(m, key); !reflect.DeepEqual(got, want) {
					t.Errorf("%v = %v, want %v", key, got, want)
				}
			}
		}
		if b.jar.values()["gosessionid"] == goldenOfBeego {
			t.Error("it was not sealed anew")
		}
	})
}
