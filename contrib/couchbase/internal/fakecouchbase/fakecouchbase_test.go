package fakecouchbase_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/contrib/couchbase/internal/fakecouchbase"

	"github.com/couchbase/gocb/v2"
)

var (
	account = fakecouchbase.Options{Bucket: "sessions", Username: "web", Password: "se,cr=et"}
	admin   = fakecouchbase.Options{Bucket: "sessions", Username: "web", Password: "se,cr=et", Admin: true}
	keyOnly = []gocb.ServiceType{gocb.ServiceTypeKeyValue}
)

// connect opens the bucket as an application would. gocb waits five seconds after a failed connection unless it is told
// otherwise.
func connect(t *testing.T, s *fakecouchbase.Server, o gocb.ClusterOptions, bucket string) (*gocb.Bucket, error) {
	t.Helper()
	if o.Authenticator == nil {
		o.Authenticator = gocb.PasswordAuthenticator{Username: account.Username, Password: account.Password}
	}
	o.Transcoder = gocb.NewRawBinaryTranscoder()
	cluster, err := gocb.Connect(s.URL()+"?server_wait_backoff=20", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(nil); err != nil {
			t.Error(err)
		}
	})
	b := cluster.Bucket(bucket)
	return b, b.WaitUntilReady(2*time.Second, &gocb.WaitUntilReadyOptions{
		ServiceTypes:  keyOnly,
		RetryStrategy: failFast{},
	})
}

// failFast never tries again, except where gocb does not ask.
type failFast struct{}

func (failFast) RetryAfter(gocb.RetryRequest, gocb.RetryReason) gocb.RetryAction {
	return &gocb.NoRetryRetryAction{}
}

func open(t *testing.T) (*fakecouchbase.Server, *gocb.Collection) {
	t.Helper()
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	b, err := connect(t, s, gocb.ClusterOptions{}, account.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	return s, b.DefaultCollection()
}

func want(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

func wantItem(t *testing.T, s *fakecouchbase.Server, id, value string) {
	t.Helper()
	got, _, ok := s.Item(id)
	if !ok || string(got) != value {
		t.Errorf("item %q, %v, want %q", got, ok, value)
	}
}

func insert(t *testing.T, c *gocb.Collection, id, value string, expiry time.Duration) gocb.Cas {
	t.Helper()
	m, err := c.Insert(id, []byte(value), &gocb.InsertOptions{Expiry: expiry})
	if err != nil {
		t.Fatal(err)
	}
	return m.Cas()
}

func TestInsertAndGet(t *testing.T) {
	s, c := open(t)
	cas := insert(t, c, "a", "one", 0)
	_, err := c.Insert("a", []byte("two"), nil)
	want(t, err, gocb.ErrDocumentExists)
	r, err := c.Get("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	if err := r.Content(&got); err != nil || string(got) != "one" || r.Cas() != cas {
		t.Errorf("got %q, CAS %v, %v; want one, CAS %v", got, r.Cas(), err, cas)
	}
	_, expiry, ok := s.Item("a")
	if !ok || !expiry.IsZero() {
		t.Errorf("expiry %v, %v, want none", expiry, ok)
	}
}

func TestMissing(t *testing.T) {
	_, c := open(t)
	_, err := c.Get("none", nil)
	want(t, err, gocb.ErrDocumentNotFound)
	_, err = c.Replace("none", []byte("x"), nil)
	want(t, err, gocb.ErrDocumentNotFound)
	_, err = c.Replace("none", []byte("x"), &gocb.ReplaceOptions{Cas: 1})
	want(t, err, gocb.ErrDocumentNotFound)
	_, err = c.Remove("none", nil)
	want(t, err, gocb.ErrDocumentNotFound)
	_, err = c.Remove("none", &gocb.RemoveOptions{Cas: 1})
	want(t, err, gocb.ErrDocumentNotFound)
	_, err = c.Touch("none", time.Hour, nil)
	want(t, err, gocb.ErrDocumentNotFound)
	_, err = c.GetAndTouch("none", time.Hour, nil)
	want(t, err, gocb.ErrDocumentNotFound)
}

func TestCAS(t *testing.T) {
	s, c := open(t)
	first := insert(t, c, "a", "one", 0)
	m, err := c.Replace("a", []byte("two"), &gocb.ReplaceOptions{Cas: first})
	if err != nil || m.Cas() == first || m.Cas() == 0 {
		t.Fatalf("replace: CAS %v after %v, %v", m, first, err)
	}
	_, err = c.Replace("a", []byte("three"), &gocb.ReplaceOptions{Cas: first})
	want(t, err, gocb.ErrCasMismatch)
	_, err = c.Remove("a", &gocb.RemoveOptions{Cas: first})
	want(t, err, gocb.ErrCasMismatch)
	wantItem(t, s, "a", "two")
	if m.MutationToken().SequenceNumber() == 0 {
		t.Error("no sequence number")
	}
	if _, err := c.Remove("a", &gocb.RemoveOptions{Cas: m.Cas()}); err != nil {
		t.Error(err)
	}
	if _, _, ok := s.Item("a"); ok {
		t.Error("a removed item is there")
	}
	insert(t, c, "a", "four", 0)
	_, err = c.Replace("a", []byte("x"), &gocb.ReplaceOptions{Cas: m.Cas()})
	want(t, err, gocb.ErrCasMismatch)
	if _, err := c.Upsert("a", []byte("five"), nil); err != nil {
		t.Error(err)
	}
	wantItem(t, s, "a", "five")
	if _, err := c.Remove("a", nil); err != nil {
		t.Error(err)
	}
}

func TestConcurrentInserts(t *testing.T) {
	_, c := open(t)
	errs := make(chan error)
	for range 10 {
		go func() {
			_, err := c.Insert("a", []byte("x"), nil)
			errs <- err
		}()
	}
	won := 0
	for range 10 {
		if err := <-errs; err == nil {
			won++
		} else {
			want(t, err, gocb.ErrDocumentExists)
		}
	}
	if won != 1 {
		t.Errorf("%d inserts succeeded, want 1", won)
	}
}

// gone waits until an item has expired and returns when that was seen.
func gone(t *testing.T, s *fakecouchbase.Server, id string) time.Time {
	t.Helper()
	for range 500 {
		if _, _, ok := s.Item(id); !ok {
			return time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the item does not expire")
	return time.Time{}
}

func wantExpiry(t *testing.T, s *fakecouchbase.Server, id string, lifetime time.Duration, before time.Time) {
	t.Helper()
	_, got, ok := s.Item(id)
	earliest, latest := before.Add(lifetime).Unix(), time.Now().Add(lifetime).Unix()
	if !ok || got.Unix() < earliest || got.Unix() > latest {
		t.Errorf("expiry %v, %v, want %d to %d", got, ok, earliest, latest)
	}
}

func TestExpiry(t *testing.T) {
	s, c := open(t)
	month := 30 * 24 * time.Hour // gocb sends longer ones as a Unix time
	for _, lifetime := range []time.Duration{time.Second, time.Hour, month - time.Second, month, 12 * month} {
		before := time.Now()
		insert(t, c, lifetime.String(), "x", lifetime)
		wantExpiry(t, s, lifetime.String(), lifetime, before)
	}
	_, expiry, _ := s.Item("1s")
	if at := gone(t, s, "1s"); at.Unix() <= expiry.Unix() {
		t.Errorf("gone at %v, want it to stay until the second of %v is over", at, expiry)
	}
	_, err := c.Get("1s", nil)
	want(t, err, gocb.ErrDocumentNotFound)
	_, err = c.Replace("1s", []byte("x"), nil)
	want(t, err, gocb.ErrDocumentNotFound)
	_, err = c.Remove("1s", nil)
	want(t, err, gocb.ErrDocumentNotFound)
	insert(t, c, "1s", "again", 0)
}

func TestReplaceExpiry(t *testing.T) {
	s, c := open(t)
	before := time.Now()
	insert(t, c, "a", "one", time.Hour)
	if _, err := c.Upsert("a", []byte("two"), &gocb.UpsertOptions{PreserveExpiry: true}); err != nil {
		t.Fatal(err)
	}
	wantExpiry(t, s, "a", time.Hour, before)
	if _, err := c.Replace("a", []byte("three"), nil); err != nil {
		t.Fatal(err)
	}
	if _, expiry, _ := s.Item("a"); !expiry.IsZero() {
		t.Errorf("expiry %v after a replace without, want none", expiry)
	}
}

func TestTouch(t *testing.T) {
	s, c := open(t)
	cas := insert(t, c, "a", "one", time.Hour)
	before := time.Now()
	m, err := c.Touch("a", 2*time.Hour, nil)
	if err != nil || m.Cas() == cas {
		t.Errorf("touch: %v, %v, want another CAS than %v", m, err, cas)
	}
	wantExpiry(t, s, "a", 2*time.Hour, before)
	r, err := c.GetAndTouch("a", 0, nil)
	var got []byte
	if err != nil || r.Content(&got) != nil || string(got) != "one" || r.Cas() == m.Cas() {
		t.Errorf("get and touch: %q, %v", got, err)
	}
	if _, expiry, _ := s.Item("a"); !expiry.IsZero() {
		t.Errorf("expiry %v, want none", expiry)
	}
	same, err := c.Touch("a", 0, nil)
	if err != nil || same.Cas() != r.Cas() {
		t.Errorf("touch without a change: %v, %v, want CAS %v", same, err, r.Cas())
	}
}

func TestSetByOlderClient(t *testing.T) {
	s, c := open(t)
	expiry := time.Now().Add(time.Hour).Truncate(time.Second)
	s.Set("old", []byte{0, 1, 2}, expiry)
	got, at, ok := s.Item("old")
	if !ok || !bytes.Equal(got, []byte{0, 1, 2}) || !at.Equal(expiry) {
		t.Errorf("got %v, %v, %v", got, at, ok)
	}
	_, err := c.Insert("old", []byte("x"), nil)
	want(t, err, gocb.ErrDocumentExists)
	r, err := c.Get("old", &gocb.GetOptions{Transcoder: transparent{}})
	if err != nil {
		t.Fatal(err)
	}
	var content []byte
	if err := r.Content(&content); err != nil || !bytes.Equal(content, got) {
		t.Errorf("content %v, %v", content, err)
	}
	s.Set("past", nil, time.Now().Add(-2*time.Second))
	if _, _, ok := s.Item("past"); ok {
		t.Error("an item with an expiry in the past is there")
	}
}

// transparent accepts raw bytes with flags 0, which gocb's own transcoders refuse.
type transparent struct{}

func (transparent) Encode(v any) ([]byte, uint32, error) { return v.([]byte), 0, nil }

func (transparent) Decode(b []byte, flags uint32, out any) error {
	if flags != 0 {
		return errors.New("flags are not 0")
	}
	*out.(*[]byte) = b
	return nil
}

func TestLimits(t *testing.T) {
	s, c := open(t)
	large := bytes.Repeat([]byte("x"), 20<<20)
	if _, err := c.Insert("large", large, &gocb.InsertOptions{Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := s.Item("large"); !bytes.Equal(got, large) {
		t.Error("the large value was not stored as sent")
	}
	_, err := c.Insert("larger", append(large, 'x'), &gocb.InsertOptions{Timeout: time.Minute})
	want(t, err, gocb.ErrValueTooLarge)
	insert(t, c, strings.Repeat("k", 250), "x", 0)
	_, err = c.Insert(strings.Repeat("k", 251), []byte("x"), nil)
	want(t, err, gocb.ErrInvalidArgument)
}

func TestDurability(t *testing.T) {
	s, c := open(t)
	levels := []gocb.DurabilityLevel{
		gocb.DurabilityLevelMajority, gocb.DurabilityLevelMajorityAndPersistOnMaster,
		gocb.DurabilityLevelPersistToMajority,
	}
	for _, level := range levels {
		if _, err := c.Upsert("a", []byte("x"), &gocb.UpsertOptions{DurabilityLevel: level}); err != nil {
			t.Errorf("level %v: %v", level, err)
		}
	}
	s.Fail(0xa1, 1)
	_, err := c.Upsert("a", []byte("x"), &gocb.UpsertOptions{DurabilityLevel: levels[0]})
	want(t, err, gocb.ErrDurabilityImpossible)
	s.Fail(0xa3, 1)
	_, err = c.Upsert("a", []byte("x"), &gocb.UpsertOptions{DurabilityLevel: levels[0]})
	want(t, err, gocb.ErrDurabilityAmbiguous)
}

func TestCollections(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	b, err := connect(t, s, gocb.ClusterOptions{}, account.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	insert(t, b.Scope("_default").Collection("_default"), "a", "x", 0)
	wantItem(t, s, "a", "x")
	// gocb waits for scopes and collections to appear.
	_, err = b.Scope("other").Collection("c").Get("a", &gocb.GetOptions{Timeout: 200 * time.Millisecond})
	want(t, err, gocb.ErrUnambiguousTimeout)
}

func TestMechanisms(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	for _, m := range []gocb.SaslMechanism{"SCRAM-SHA512", "SCRAM-SHA256", "SCRAM-SHA1", "PLAIN"} {
		security := gocb.SecurityConfig{AllowedSaslMechanisms: []gocb.SaslMechanism{m}}
		if _, err := connect(t, s, gocb.ClusterOptions{SecurityConfig: security}, account.Bucket); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		for _, auth := range []gocb.PasswordAuthenticator{
			{Username: account.Username, Password: "wrong"},
			{Username: "stranger", Password: account.Password},
		} {
			_, err := connect(t, s, gocb.ClusterOptions{SecurityConfig: security, Authenticator: auth}, account.Bucket)
			want(t, err, gocb.ErrAuthenticationFailure)
		}
	}
}

func TestWrongBucket(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	_, err := connect(t, s, gocb.ClusterOptions{}, "other")
	want(t, err, gocb.ErrAuthenticationFailure)
	s = fakecouchbase.Start(t, admin)
	_, err = connect(t, s, gocb.ClusterOptions{}, "other")
	want(t, err, gocb.ErrBucketNotFound)
}

func TestPing(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	b, err := connect(t, s, gocb.ClusterOptions{}, account.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Ping(&gocb.PingOptions{ServiceTypes: keyOnly})
	if err != nil {
		t.Fatal(err)
	}
	pings := r.Services[gocb.ServiceTypeKeyValue]
	if len(pings) != 1 || pings[0].State != gocb.PingStateOk || pings[0].Remote != s.Addr {
		t.Errorf("ping: %+v", pings)
	}
}

func TestRestart(t *testing.T) {
	s, c := open(t)
	cas := insert(t, c, "a", "one", 0)
	addr := s.Addr
	s.Stop()
	wantItem(t, s, "a", "one")
	_, err := c.Get("a", &gocb.GetOptions{Timeout: 50 * time.Millisecond})
	want(t, err, gocb.ErrUnambiguousTimeout)
	s.Restart()
	if s.Addr != addr {
		t.Errorf("address %s, want %s", s.Addr, addr)
	}
	m, err := c.Replace("a", []byte("two"), &gocb.ReplaceOptions{Cas: cas, Timeout: 5 * time.Second})
	if err != nil || m.Cas() == cas {
		t.Errorf("replace: %v, %v", m, err)
	}
	s.Restart() // at once, with a connection open
	if _, err := c.Get("a", &gocb.GetOptions{Timeout: 5 * time.Second}); err != nil {
		t.Error(err)
	}
}

func TestServerAway(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	s.Stop()
	_, err := connect(t, s, gocb.ClusterOptions{}, account.Bucket)
	if err == nil {
		t.Fatal("connected to a stopped server")
	}
	s.Restart()
	if _, err := connect(t, s, gocb.ClusterOptions{}, account.Bucket); err != nil {
		t.Error(err)
	}
}

func TestDropAnswers(t *testing.T) {
	s, c := open(t)
	cas := insert(t, c, "a", "one", 0)
	s.DropAnswers(1)
	_, err := c.Replace("a", []byte("two"), &gocb.ReplaceOptions{Cas: cas})
	want(t, err, io.EOF)
	wantItem(t, s, "a", "two")
	s.DropRequests(1)
	_, err = c.Replace("a", []byte("three"), &gocb.ReplaceOptions{Timeout: 5 * time.Second})
	want(t, err, io.EOF)
	wantItem(t, s, "a", "two")
	if _, err := c.Replace("a", []byte("four"), &gocb.ReplaceOptions{Timeout: 5 * time.Second}); err != nil {
		t.Error(err)
	}
	s.DropAnswers(1)
	if _, err := c.Get("a", nil); err != nil {
		t.Errorf("a get is no mutation: %v", err)
	}
}

func TestHoldAnswers(t *testing.T) {
	s, c := open(t)
	insert(t, c, "a", "one", 0)
	s.HoldAnswers(1)
	_, err := c.Replace("a", []byte("two"), &gocb.ReplaceOptions{Timeout: 50 * time.Millisecond})
	want(t, err, gocb.ErrAmbiguousTimeout)
	wantItem(t, s, "a", "two")
	if _, err := c.Replace("a", []byte("three"), nil); err != nil {
		t.Error(err)
	}
}

func TestFail(t *testing.T) {
	s, c := open(t)
	insert(t, c, "a", "one", 0)
	tests := []struct {
		status uint16
		want   error
	}{
		{0x86, gocb.ErrTemporaryFailure},
		{0x85, gocb.ErrTemporaryFailure},
		{0x03, gocb.ErrValueTooLarge},
		{0x04, gocb.ErrInvalidArgument},
		{0x84, gocb.ErrInternalServerFailure},
		{0x24, gocb.ErrAuthenticationFailure},
		{0x09, gocb.ErrDocumentLocked},
	}
	for _, tt := range tests {
		s.Fail(tt.status, 1)
		_, err := c.Replace("a", []byte("two"), &gocb.ReplaceOptions{RetryStrategy: failFast{}})
		want(t, err, tt.want)
		wantItem(t, s, "a", "one")
	}
	s.Fail(0x82, 1)
	_, err := c.Get("a", &gocb.GetOptions{RetryStrategy: failFast{}})
	var kv *gocb.KeyValueError
	if !errors.As(err, &kv) || kv.StatusCode != 0x82 || kv.ErrorName != "ENOMEM" {
		t.Errorf("error %v, want ENOMEM", err)
	}
	for _, status := range []uint16{0x82, 0x86} {
		s.Fail(status, 3)
		if _, err := c.Replace("a", []byte("one"), nil); err != nil {
			t.Errorf("gocb does not try again after %#x: %v", status, err)
		}
	}
	s.Fail(0x86, 10)
	s.Fail(0, 0)
	if _, err := c.Get("a", nil); err != nil {
		t.Error(err)
	}
}

// A client speaks the protocol without gocb: as an older client, or against the rules.
type client struct {
	t   *testing.T
	nc  net.Conn
	cas uint64 // of the last answer
}

func dial(t *testing.T, s *fakecouchbase.Server) *client {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &client{t: t, nc: nc}
}

type packet struct {
	opcode             byte
	cas                uint64
	vbucket            uint16
	frames             []byte
	extras, key, value string
}

func (c *client) send(p packet) {
	c.t.Helper()
	b := []byte{0x80, p.opcode, byte(len(p.key) >> 8), byte(len(p.key)), byte(len(p.extras)), 0}
	if p.frames != nil {
		b[0], b[2] = 0x08, byte(len(p.frames))
	}
	b = binary.BigEndian.AppendUint16(b, p.vbucket)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.frames)+len(p.extras)+len(p.key)+len(p.value)))
	b = binary.BigEndian.AppendUint32(b, 0xdeadbeef)
	b = binary.BigEndian.AppendUint64(b, p.cas)
	b = append(b, p.frames...)
	b = append(b, p.extras+p.key+p.value...)
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) call(p packet) (status uint16, body string) {
	c.t.Helper()
	c.send(p)
	h := make([]byte, 24)
	if _, err := io.ReadFull(c.nc, h); err != nil {
		c.t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint32(h[8:]))
	if _, err := io.ReadFull(c.nc, b); err != nil {
		c.t.Fatal(err)
	}
	if h[0] != 0x81 || h[1] != p.opcode || binary.BigEndian.Uint32(h[12:]) != 0xdeadbeef {
		c.t.Errorf("header % x", h)
	}
	c.cas = binary.BigEndian.Uint64(h[16:])
	return binary.BigEndian.Uint16(h[6:]), string(b)
}

func (c *client) want(status uint16, p packet) {
	c.t.Helper()
	if got, body := c.call(p); got != status {
		c.t.Errorf("packet %+v: status %#x, %q, want %#x", p, got, body, status)
	}
}

const (
	opGet, opSet, opAdd, opDelete, opNoop, opTouch = 0x00, 0x01, 0x02, 0x04, 0x0a, 0x1c
	opHello, opAuth, opStep, opSelect              = 0x1f, 0x21, 0x22, 0x89
	opConfig, opCollection, opErrors               = 0xb5, 0xbb, 0xfe

	never = "\x00\x00\x00\x00\x00\x00\x00\x00"
)

// login leaves out HELLO, as clients of memcached's protocol do: keys then have no collection.
func (c *client) login() {
	c.t.Helper()
	c.want(0, packet{opcode: opAuth, key: "PLAIN", value: "\x00" + account.Username + "\x00" + account.Password})
	c.want(0, packet{opcode: opSelect, key: account.Bucket})
}

func TestOlderClient(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	c := dial(t, s)
	c.login()
	c.want(0, packet{opcode: opSet, key: "a", extras: "\x00\x00\x00\x07\x00\x00\x00\x00", value: "{}"})
	wantItem(t, s, "a", "{}")
	if status, body := c.call(packet{opcode: opGet, key: "a"}); status != 0 || body != "\x00\x00\x00\x07{}" {
		t.Errorf("get: status %#x, %q", status, body)
	}
	c.want(0, packet{opcode: opAdd, key: strings.Repeat("k", 250), extras: never})
	c.want(0x04, packet{opcode: opAdd, key: strings.Repeat("k", 251), extras: never})
}

func TestCASIsUnique(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	last := uint64(0)
	for range 3 {
		c := dial(t, s)
		c.login()
		for range 300 { // much faster than the clock that CAS values come from
			c.want(0, packet{opcode: opSet, key: "a", extras: never})
			if c.cas <= last {
				t.Fatalf("CAS %d after %d", c.cas, last)
			}
			last = c.cas
		}
		s.Restart()
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	c := dial(t, fakecouchbase.Start(t, account))
	c.want(0x24, packet{opcode: opGet, key: "a"})
	c.want(0x24, packet{opcode: 0x77})
	c.want(0x24, packet{opcode: opSelect, key: account.Bucket})
	c.want(0x20, packet{opcode: opAuth, key: "CRAM-MD5"})
	c.want(0x04, packet{opcode: opAuth, key: "PLAIN", value: account.Password})
	c.want(0x04, packet{opcode: opAuth, key: "SCRAM-SHA1", value: "p=tls,,n=web,r=1"})
	c.want(0x04, packet{opcode: opAuth, key: "SCRAM-SHA1", value: "n,,r=1"})
	c.want(0x04, packet{opcode: opStep, key: "SCRAM-SHA1"})
	c.want(0x21, packet{opcode: opAuth, key: "SCRAM-SHA1", value: "n,,n=web,r=1"})
	c.want(0x20, packet{opcode: opStep, key: "SCRAM-SHA1", value: "c=biws,r=1,p="})
	c.want(0x04, packet{opcode: opHello, value: "odd"})
	c.want(0, packet{opcode: opErrors, value: "\x00\x02"})
	c.want(0x04, packet{opcode: opErrors})
	c.want(0, packet{opcode: opAuth, key: "PLAIN", value: "\x00" + account.Username + "\x00" + account.Password})
	c.want(0x08, packet{opcode: opGet, key: "a"})
	c.want(0, packet{opcode: opConfig})
	c.want(0, packet{opcode: opSelect, key: account.Bucket})
	tests := []struct {
		name   string
		status uint16
		packet packet
	}{
		{"unknown command", 0x81, packet{opcode: 0x77}},
		{"get without a key", 0x04, packet{opcode: opGet}},
		{"get with a value", 0x04, packet{opcode: opGet, key: "a", value: "x"}},
		{"get with a CAS value", 0x04, packet{opcode: opGet, key: "a", cas: 1}},
		{"add with a CAS value", 0x04, packet{opcode: opAdd, key: "a", extras: never, cas: 1}},
		{"add without extras", 0x04, packet{opcode: opAdd, key: "a"}},
		{"set with a CAS value and no item", 0x01, packet{opcode: opSet, key: "a", extras: never, cas: 1}},
		{"touch with a CAS value", 0x04, packet{opcode: opTouch, key: "a", extras: never[:4], cas: 1}},
		{"no-op with a key", 0x04, packet{opcode: opNoop, key: "a"}},
		{"vbucket of nobody", 0x07, packet{opcode: opGet, key: "a", vbucket: 1024}},
		{"last vbucket", 0x01, packet{opcode: opGet, key: "a", vbucket: 1023}},
		{"barrier", 0x01, packet{opcode: opGet, key: "a", frames: []byte{0x00}}},
		{"barrier with data", 0x04, packet{opcode: opGet, key: "a", frames: append([]byte{0x0f, 0}, make([]byte, 15)...)}},
		{"durable add", 0, packet{opcode: opAdd, key: "durable", extras: never, frames: []byte{0x11, 3}}},
		{"durable add with a timeout", 0, packet{opcode: opAdd, key: "timeout", extras: never, frames: []byte{0x13, 1, 0, 1}}},
		{"durability level 4", 0xa0, packet{opcode: opAdd, key: "a", extras: never, frames: []byte{0x11, 4}}},
		{"reserved timeout", 0x04, packet{opcode: opAdd, key: "a", extras: never, frames: []byte{0x13, 1, 0xff, 0xff}}},
		{"durable touch", 0x83, packet{opcode: opTouch, key: "a", extras: never[:4], frames: []byte{0x11, 1}}},
		{"durable get", 0x04, packet{opcode: opGet, key: "a", frames: []byte{0x11, 1}}},
		{"add that keeps the expiry", 0x83, packet{opcode: opAdd, key: "a", extras: never, frames: []byte{0x50}}},
		{"expiry to keep with data", 0x04, packet{opcode: opSet, key: "a", extras: never, frames: []byte{0x51, 1}}},
		{"durability without a level", 0x04, packet{opcode: opSet, key: "a", extras: never, frames: []byte{0x10}}},
		{"unknown frame", 0x80, packet{opcode: opGet, key: "a", frames: []byte{0x70}}},
		{"escaped frame", 0x80, packet{opcode: opGet, key: "a", frames: []byte{0xf0, 9}}},
		{"frame without its identifier", 0x04, packet{opcode: opGet, key: "a", frames: []byte{0xf0}}},
		{"frame without its data", 0x04, packet{opcode: opGet, key: "a", frames: []byte{0x11}}},
		{"known version of the map", 0, packet{opcode: opConfig, extras: never + never}},
		{"half a version", 0x04, packet{opcode: opConfig, extras: never}},
		{"quiet command", 0x81, packet{opcode: 0x11, key: "a", extras: never}},
	}
	for _, tt := range tests {
		if got, body := c.call(tt.packet); got != tt.status {
			t.Errorf("%s: status %#x, %q, want %#x", tt.name, got, body, tt.status)
		}
	}
	one := never[1:] + "\x01"
	if _, body := c.call(packet{opcode: opConfig, extras: one + one}); body != "" {
		t.Errorf("the map was sent to a client that has it: %q", body)
	}
	c.want(0, packet{opcode: opSelect, key: "@no bucket@"})
	c.want(0x08, packet{opcode: opGet, key: "a"})
}

func TestCollectionPrefix(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	s.Set("a", []byte("x"), time.Time{})
	c := dial(t, s)
	status, body := c.call(packet{opcode: opHello, key: "test", value: "\x00\x12\x00\x0a\x00\x02"})
	if status != 0 || body != "\x00\x12" {
		t.Errorf("hello: status %#x, %q, want collections alone", status, body)
	}
	c.login()
	c.want(0, packet{opcode: opGet, key: "\x00a"})
	c.want(0x04, packet{opcode: opGet, key: "\x80\x00a"}) // not the shortest form
	c.want(0x04, packet{opcode: opGet, key: "\x80\x80\x80\x80\x80\x00a"})
	c.want(0x04, packet{opcode: opGet, key: "\x00"})
	c.want(0x88, packet{opcode: opGet, key: "\xd5\x0aa"})
	c.want(0, packet{opcode: opAdd, key: "\x00" + strings.Repeat("k", 250), extras: never})
	c.want(0x04, packet{opcode: opAdd, key: "\x00" + strings.Repeat("k", 251), extras: never})
	for path, status := range map[string]uint16{".": 0, "_default._default": 0, "_default.c": 0x88, "s.c": 0x8c, "s": 0x04} {
		c.want(status, packet{opcode: opCollection, value: path})
	}
}

func TestNotThePackets(t *testing.T) {
	t.Parallel()
	s := fakecouchbase.Start(t, account)
	tooLong := slices.Concat([]byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}, make([]byte, 12))
	keyBeyondBody := slices.Concat([]byte{0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 13))
	for _, b := range [][]byte{[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), tooLong, keyBeyondBody} {
		c := dial(t, s)
		if _, err := c.nc.Write(b); err != nil {
			t.Fatal(err)
		}
		// A reset is as good as an end: the rest of the bytes was not read.
		if n, err := c.nc.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("% x was answered", b[:12])
		}
	}
}
