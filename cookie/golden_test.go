package cookie_test

import (
	"net/http/httptest"
	"testing"

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
}
