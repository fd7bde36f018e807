package cookie_test

import (
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
	b := newBrowser(t)
	b.jar.take([]string{"gosessionid=" + golden}, false)
	if b.value(m, "user") != "ann" || b.value(m, 7) != int64(42) || b.sid(m) != goldenSID {
		t.Errorf("user = %v, 7 = %v", b.value(m, "user"), b.value(m, 7))
	}
}
