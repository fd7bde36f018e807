package cookie_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/sealing"
)

// sealedValues returns the cookie values of 200 sessions of many sizes, each fitting into one cookie.
func sealedValues(t testing.TB, m *session.Manager) []string {
	t.Helper()
	values := make([]string, 200)
	for i := range values {
		b := seeded(t, m)
		b.visit(m, func(s *session.Session) { set(t, s, "text", rand.Text()[:i%26]) })
		values[i] = b.jar.values()["gosessionid"]
	}
	return values
}

// each runs check for each value, several at a time.
func each(t *testing.T, values []string, check func(i int, value string)) {
	t.Helper()
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			for i := part; i < len(values) && !t.Failed(); i += 4 {
				check(i, values[i])
			}
		})
	}
	wg.Wait()
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	// No cookie is set for a visitor without a session: that makes the test many times as fast.
	m := newManager(t, oneKey, session.CfgLazy(true))
	none := with(m, "")
	each(t, sealedValues(t, m), func(i int, value string) {
		if got := with(m, "gosessionid="+value); got.user != "ann" {
			t.Errorf("cookie %d is refused", i)
		}
		bad := []byte("gosessionid=" + value)
		for at := len("gosessionid="); at < len(bad); at++ {
			for bit := range 8 {
				bad[at] ^= 1 << bit
				if got := with(m, string(bad)); got != none {
					t.Errorf("cookie %d with bit %d of byte %d flipped: %+v, want %+v", i, bit, at, got, none)
				}
				bad[at] ^= 1 << bit
			}
		}
	})
}

func TestEveryTruncationAndSpliceIsRefused(t *testing.T) {
	m := newManager(t, oneKey)
	values := sealedValues(t, m)
	each(t, values, func(i int, value string) {
		other := values[(i+1)%len(values)]
		for n := range value {
			wantFresh(t, m, "gosessionid="+value[:n], fmt.Sprintf("the first %d bytes", n))
			wantFresh(t, m, "gosessionid="+value[n+1:], fmt.Sprintf("all but the first %d bytes", n+1))
			if n > len(other) {
				continue
			}
			if spliced := value[:n] + other[n:]; spliced != value && spliced != other {
				wantFresh(t, m, "gosessionid="+spliced, fmt.Sprintf("spliced at %d", n))
			}
		}
		for _, more := range []string{"A", "=", "==", "AAAA", value, ".", "\n"} {
			wantFresh(t, m, "gosessionid="+value+more, fmt.Sprintf("followed by %q", more))
			wantFresh(t, m, "gosessionid="+more+value, fmt.Sprintf("after %q", more))
		}
		wantFresh(t, m, "gosessionid="+value[:9]+"\n"+value[9:], "with a line break")
	})
}

func TestARefusalIsOneError(t *testing.T) {
	sealer := open(t, driver.Config{Config: oneKey})
	rec := driver.Record{Version: 1, Expires: time.Now().Add(time.Hour), Data: []byte("data")}
	good, err := sealer.Seal(nil, "name", &rec)
	if err != nil {
		t.Fatal(err)
	}
	if err := sealer.Open("name", string(good), &rec); err != nil {
		t.Fatal(err)
	}
	other := open(t, driver.Config{Config: `{"securityKey": "another secret of the tests"}`})
	foreign, err := other.Seal(nil, "name", &rec)
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"nothing": "", "one byte": "A", "no base64": "%%%", "cut off": string(good[:40]), "cut off by one": string(good[:len(good)-1]),
		"another key's": string(foreign), "version 2": "Ag" + string(good[2:]), "another name's": string(good),
	} {
		name := "name"
		if what == "another name's" {
			name = "eman"
		}
		before := rec
		if err := sealer.Open(name, bad, &rec); err != session.ErrNotFound {
			t.Errorf("%s: %v", what, err)
		}
		if rec.Version != before.Version || string(rec.Data) != string(before.Data) {
			t.Errorf("%s: the record was changed", what)
		}
	}
}

func TestACookieFromElsewhereIsRefused(t *testing.T) {
	m := newManager(t, oneKey)
	for what, elsewhere := range map[string]*session.Manager{
		"another key":       newManager(t, `{"securityKey": "another secret of the tests"}`),
		"another name":      newManager(t, oneKey, session.CfgCookieName("other")),
		"another name, too": newManager(t, `{"securityKey": "a secret of the tests", "cookieName": "gosession"}`),
		"another namespace": newManager(t, oneKey, session.CfgNamespace("other")),
		"another prefix":    newManager(t, oneKey, session.CfgSessionIdPrefix("shop-"), session.CfgNamespace("")),
		"another length":    newManager(t, oneKey, session.CfgSessionIdLength(32)),
	} {
		b := seeded(t, elsewhere)
		if b.value(elsewhere, "user") != "ann" {
			t.Fatalf("%s: not sealed", what)
		}
		for _, value := range b.jar.values() {
			wantFresh(t, m, "gosessionid="+value, what)
		}
	}
	t.Run("name and namespace do not run together", func(t *testing.T) {
		a := newManager(t, oneKey, session.CfgCookieName("ab"), session.CfgNamespace("c"))
		b := newManager(t, oneKey, session.CfgCookieName("a"), session.CfgNamespace("bc"))
		wantFresh(t, b, "a="+seeded(t, a).jar.values()["ab"], "moved")
	})
}

// seal seals a record in the layout of a cookie, but for what the arguments say.
func seal(t *testing.T, purpose string, version, bound byte, rec *driver.Record) string {
	t.Helper()
	box, err := sealing.New(purpose, "a secret of the tests")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := rec.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain = append(plain, 0x80)
	plain = append(plain, make([]byte, (32-len(plain)%32)%32)...)
	about := append([]byte{bound}, "gosessionid\x00"...)
	return base64.RawURLEncoding.EncodeToString(box.Seal([]byte{version}, plain, about))
}

func TestPurposeAndVersionAreBound(t *testing.T) {
	m := newManager(t, oneKey)
	sid := "0123456789abcdef0123456789abcdef"
	rec := driver.Record{Version: 1, Expires: time.Now().Add(time.Hour), Data: append([]byte{2, 'c', byte(len(sid))}, sid...)}
	const purpose = "session: cookie"
	if got := with(m, "gosessionid="+seal(t, purpose, 1, 1, &rec)); got.isNew {
		t.Fatalf("the layout is not that of a cookie: %+v", got)
	}
	wantFresh(t, m, "gosessionid="+seal(t, "session: records at rest", 1, 1, &rec), "another purpose")
	for version := range byte(4) {
		if version != 1 {
			wantFresh(t, m, "gosessionid="+seal(t, purpose, version, 1, &rec), "another version")
			wantFresh(t, m, "gosessionid="+seal(t, purpose, 1, version, &rec), "sealed for another version")
			wantFresh(t, m, "gosessionid="+seal(t, purpose, version, version, &rec), "another version, sealed for it")
		}
	}
	t.Run("without its padding", func(t *testing.T) {
		box, err := sealing.New(purpose, "a secret of the tests")
		if err != nil {
			t.Fatal(err)
		}
		whole, err := rec.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		for what, tt := range map[string]struct {
			plain string
			opens bool
		}{
			"as it should be": {string(whole) + "\x80", true},
			"no mark":         {string(whole) + "x", false},
			"zeros":           {strings.Repeat("\x00", 64), false},
			"nothing":         {"", false},
			"a mark alone":    {"\x80", false},
		} {
			sealed := box.Seal([]byte{1}, []byte(tt.plain), []byte("\x01gosessionid\x00"))
			if got := with(m, "gosessionid="+base64.RawURLEncoding.EncodeToString(sealed)); got.isNew == tt.opens {
				t.Errorf("%s: %+v", what, got)
			}
		}
	})
	t.Run("what is inside is checked, too", func(t *testing.T) {
		for what, change := range map[string]func(rec *driver.Record){
			"expired":           func(rec *driver.Record) { rec.Expires = time.Now().Add(-time.Millisecond) },
			"past its deadline": func(rec *driver.Record) { rec.Deadline = time.Now().Add(-time.Millisecond) },
			"no data":           func(rec *driver.Record) { rec.Data = nil },
			"envelope":          func(rec *driver.Record) { rec.Data[0] = 1 },
			"codec":             func(rec *driver.Record) { rec.Data[1] = 'x' },
			"no sid":            func(rec *driver.Record) { rec.Data[2] = 0 },
			"long sid":          func(rec *driver.Record) { rec.Data[2] = 255 },
			"hostile sid":       func(rec *driver.Record) { rec.Data[3] = '/' },
			"values":            func(rec *driver.Record) { rec.Data = append(rec.Data, 0xff, 0xff, 0xff) },
			"beego's version":   func(rec *driver.Record) { rec.Version, rec.Created, rec.Data = 0, time.Now(), nil },
		} {
			rec := rec
			rec.Data = slices.Clone(rec.Data)
			change(&rec)
			wantFresh(t, m, "gosessionid="+seal(t, purpose, 1, 1, &rec), what)
		}
	})
}

// gobSpy counts how often it is decoded.
type gobSpy struct{ N int }

var spied int

func (g *gobSpy) GobDecode([]byte) error    { spied++; return nil }
func (g gobSpy) GobEncode() ([]byte, error) { return []byte{1}, nil }

func TestNothingIsDecodedBeforeItIsAuthenticated(t *testing.T) {
	gob.Register(gobSpy{})
	plainGob, err := session.EncodeGob(map[any]any{"user": "ann", "spy": gobSpy{}})
	if err != nil {
		t.Fatal(err)
	}
	m := newManager(t, oneKey, session.CfgCodec("gob"))
	b := newBrowser(t)
	b.visit(m, func(s *session.Session) { set(t, s, "spy", gobSpy{}) })
	spied = 0
	if b.value(m, "spy") == nil || spied == 0 {
		t.Fatal("the spy does not see what is decoded")
	}
	spied = 0
	sid := "0123456789abcdef0123456789abcdef"
	for _, codec := range []string{"compact", "gob", "json"} {
		m := newManager(t, oneKey, session.CfgCodec(codec))
		id := byte(codec[0])
		for what, plain := range map[string][]byte{
			"gob": plainGob, "JSON": []byte(`{"user":"ann"}`), "compact": []byte("\x01\x05\x06user\x04\x06ann"),
			"envelope": append(append([]byte{2, id, byte(len(sid))}, sid...), plainGob...),
			"record": func() []byte {
				data := append(append([]byte{2, id, byte(len(sid))}, sid...), plainGob...)
				b, _ := (&driver.Record{Version: 1, Expires: time.Now().Add(time.Hour), Data: data}).AppendBinary(nil)
				return b
			}(),
		} {
			for _, version := range []string{"", "\x01", "\x00", "\x02"} {
				for _, enc := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding, base64.StdEncoding} {
					wantFresh(t, m, "gosessionid="+enc.EncodeToString([]byte(version+string(plain))), codec+": plain "+what)
				}
			}
		}
		other := seeded(t, newManager(t, `{"securityKey": "another secret of the tests"}`, session.CfgCodec(codec)))
		other.visit(newManager(t, `{"securityKey": "another secret of the tests"}`, session.CfgCodec(codec)), func(s *session.Session) {
			if codec != "json" {
				set(t, s, "spy", gobSpy{})
			}
		})
		spied = 0
		wantFresh(t, m, other.jar.header(false), codec+": another key's")
	}
	if spied != 0 {
		t.Errorf("a decoder saw %d values of cookies that do not open", spied)
	}
}

func TestLengthsTellLittle(t *testing.T) {
	m := newManager(t, oneKey)
	lengths := make(map[int]bool)
	for n := range 300 {
		b := newBrowser(t)
		b.visit(m, func(s *session.Session) { set(t, s, "text", strings.Repeat("x", n)) })
		raw, err := base64.RawURLEncoding.DecodeString(b.jar.values()["gosessionid"])
		if err != nil {
			t.Fatal(err)
		}
		if plain := len(raw) - 1 - sealing.Overhead; plain%32 != 0 {
			t.Errorf("%d bytes make %d bytes of plaintext", n, plain)
		}
		lengths[len(raw)] = true
	}
	if most := 300/32 + 2; len(lengths) > most {
		t.Errorf("300 lengths make %d lengths of cookies, want at most %d", len(lengths), most)
	}
}
