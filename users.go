package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// Info describes a session to an application or an operator. Nothing in it gives access to the session.
type Info struct {
	ID       string    // the public id, as [Session.ID] returns it
	Label    string    // the text that [Session.SetLabel] has set, or ""
	User     string    // the user who is logged in, or ""
	Created  time.Time // when the session began, or when the user logged in
	AuthTime time.Time // when the user logged in, or the zero time
	LastSeen time.Time // when it was last used, up to touchInterval too early; Created if that is unknown
	Expires  time.Time // when it ends if it is not used again
	Deadline time.Time // when it ends even if it is used, or the zero time
}

// ID returns the session's public id, for logs, dashboards and [Manager.DestroyByID]. Nobody can derive the sid from it. It
// is "" while a lazy session has nothing to store, and changes with each Regenerate and Login.
func (s *Session) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.publicID()
}

// publicID is ID for a caller that holds mu.
func (s *Session) publicID() string {
	switch {
	case s.sid != "":
		return s.m.publicID(s.sid)
	case s.r == s.m.outside:
		return s.m.publicIDOf(s.draft.Key)
	}
	return ""
}

// SessionsOf returns the live sessions of user, the latest login first. It loads each of them to check that it can be read.
// If there are none, it returns an empty list and no error. If the provider cannot list users, the error wraps
// [errors.ErrUnsupported].
func (m *Manager) SessionsOf(ctx context.Context, user string) ([]Info, error) {
	m.calls.begin()
	defer m.calls.end()
	ctx = orBackground(ctx)
	l, err := m.userLister(user)
	if err != nil {
		return nil, err
	}
	entries, err := m.entriesOf(ctx, l, m.envelope.StoredNames(user))
	if err != nil {
		return nil, err
	}
	var infos []Info
	for i := range entries {
		switch info, err := m.details(ctx, &entries[i]); {
		case err == nil && info.User == user: // otherwise somebody has altered what the list is made from
			infos = append(infos, info)
		case err == nil:
		case !errors.Is(err, ErrNotFound):
			m.stats.count(failures)
			return nil, fmt.Errorf("session: load: %w", err)
		}
	}
	slices.SortStableFunc(infos, func(a, b Info) int { return b.AuthTime.Compare(a.AuthTime) })
	return infos, nil
}

// DestroyUser ends all sessions of user, except those whose public ids are in except, and returns how many it has ended. It
// lists the sessions again until it finds none that existed before the call, so a session that gets a new sid in the
// meantime does not escape. A session that logs in during the call may stay. Listing the sessions takes at most opTimeout
// each time, and so does ending one. After an error some sessions may have ended.
func (m *Manager) DestroyUser(ctx context.Context, user string, except ...string) (int, error) {
	m.calls.begin()
	defer m.calls.end()
	ctx = orBackground(ctx)
	l, err := m.userLister(user)
	if err != nil {
		return 0, err
	}
	begun, ended := time.Now(), 0
	// A session that changes its sid while the list is read may be missing from it; the next list has it. Sessions in the
	// first list end even if their login has yet to come by this node's clock: another node's clock may be ahead.
	for pass, clean := 0, 0; clean < 2; pass, clean = pass+1, clean+1 {
		if pass == maxPasses {
			return ended, errComeBack
		}
		entries, err := m.entriesOf(ctx, l, m.envelope.StoredNames(user))
		if err != nil {
			return ended, err
		}
		for _, e := range entries {
			id := m.publicIDOf(e.Key)
			if pass > 0 && e.AuthTime.After(begun) || slices.Contains(except, id) {
				continue
			}
			if err := m.revoke(ctx, e.Key, e.User); err != nil {
				return ended, err
			}
			ended++
			clean = -1
		}
	}
	return ended, nil
}

// maxPasses limits how often DestroyUser lists the sessions. No user is that busy: somebody must be putting sessions back.
const maxPasses = 256

var errComeBack = errors.New("session: destroy: sessions keep coming back after they were ended")

// DestroyOf ends the session of user that has the public id, as [Info] shows it. It is meant for pages on which users end
// their own sessions, so id may come from the request. The error wraps [ErrNotFound] if there is no such session, if the
// session belongs to another user or to nobody, or if a Regenerate or Login has given it another id; no session ends then.
// A sid is not a public id. For the session of the request itself call [Session.Logout], which also removes the cookie. With a
// provider that keeps no users the error wraps [errors.ErrUnsupported].
func (m *Manager) DestroyOf(ctx context.Context, user, id string) error {
	m.calls.begin()
	defer m.calls.end()
	b, err := optional[driver.Backend](m, byID)
	switch {
	case err != nil:
		return err
	case user == "":
		return errNoName
	}
	ctx, cancel := m.saveContext(ctx)
	defer cancel()
	key, err := m.keyOfUsers(ctx, user, id)
	var rec driver.Record
	if err == nil {
		err = m.deleteOf(ctx, b, key, user, &rec)
	}
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			m.stats.count(failures)
		}
		return fmt.Errorf("session: destroy: %w", err)
	}
	tell(m.destroyed(ctx, key, rec.User, ReasonRevoked))
	return nil
}

// keyOfUsers returns the storage key of a session of user. If storage keys are not public ids, it searches the user's
// sessions.
func (m *Manager) keyOfUsers(ctx context.Context, user, id string) (string, error) {
	if !m.plainKeys {
		return m.keyOf(ctx, id)
	}
	l, err := m.userLister(user)
	if err != nil {
		return "", err
	}
	entries, err := m.entriesOf(ctx, l, m.envelope.StoredNames(user))
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if m.publicIDOf(e.Key) == id {
			return e.Key, nil
		}
	}
	return "", ErrNotFound
}

// deleteOf removes the record under key if it belongs to user. rec is then the removed record. If the record changes in the
// meantime, deleteOf looks at it again.
func (m *Manager) deleteOf(ctx context.Context, b driver.Backend, key, user string, rec *driver.Record) error {
	for {
		*rec = m.newRecord()
		if err := b.Load(ctx, key, rec); err != nil {
			return err
		}
		if m.userName(rec.User) != user {
			return ErrNotFound
		}
		err := b.Delete(ctx, key, rec.Version)
		if _, changed := errors.AsType[*driver.ConflictError](err); !changed {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

var errNoName = errors.New("session: the user name is empty")

// userLister returns the backend as a UserLister, or why it is none, or an error if user is "".
func (m *Manager) userLister(user string) (driver.UserLister, error) {
	l, err := optional[driver.UserLister](m, userLists)
	if err == nil && user == "" {
		err = errNoName
	}
	return l, err
}

// entriesOf returns the records of the user with these stored names. It collects them all, so that no other call is made
// while the list holds a connection. It has the time limit of any call of the store; otherwise a silent server would hold
// it forever.
func (m *Manager) entriesOf(ctx context.Context, l driver.UserLister, names []string) (entries []driver.Entry, err error) {
	ctx, cancel := m.loadContext(ctx)
	defer cancel()
	for _, name := range names {
		for e, err := range l.ListUser(ctx, name) {
			if err != nil {
				m.stats.count(failures)
				return nil, fmt.Errorf("session: list: %w", err)
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// revoke ends the session under a storage key for somebody other than its client. user is in its stored form.
func (m *Manager) revoke(ctx context.Context, key, user string) error {
	event, err := m.revokeUntold(ctx, key, user)
	tell(event)
	return err
}

// revokeUntold is revoke for a caller that holds a lock. The caller must call event, unless it is nil, once the lock is
// given up.
func (m *Manager) revokeUntold(ctx context.Context, key, user string) (event func(), err error) {
	ctx, cancel := m.saveContext(ctx)
	defer cancel()
	if err := m.backend.Delete(ctx, key, 0); err != nil {
		m.stats.count(failures)
		return nil, fmt.Errorf("session: destroy: %w", err)
	}
	return m.destroyed(ctx, key, user, ReasonRevoked), nil
}

// info returns the Info of a record with this metadata.
func (m *Manager) info(e *driver.Entry, meta *merge.Meta) Info {
	now := time.Now()
	expires := merge.Bounded(now, e.Expires, e.Deadline)
	lastSeen := expires.Add(-m.envelope.Lifetimes.Of(meta).Idle)
	if expires.Equal(e.Deadline) || lastSeen.Before(e.Created) || lastSeen.After(now) { // then it is unknown
		lastSeen = e.Created
	}
	return Info{
		ID: m.publicIDOf(e.Key), User: m.userName(e.User), Label: meta.Text(merge.Label), Created: e.Created, AuthTime: e.AuthTime,
		LastSeen: lastSeen, Expires: expires, Deadline: e.Deadline,
	}
}

// maxLabel is how many bytes a label may have. A browser's User-Agent is about half as long.
const maxLabel = 255

// SetLabel sets the text by which users recognize this session in a list of their sessions, for example "Firefox on Linux,
// Leeds". The label is stored with the next save, as a value is. It stays after a Regenerate and after a Login of the same
// user. "" removes it, and so does Flush. A label of more than 255 bytes is an error wrapping [ErrTooLarge]. Other errors
// are those of Set. With a third-party provider, which cannot store labels, the error wraps [errors.ErrUnsupported].
func (s *Session) SetLabel(ctx context.Context, label string) error {
	switch {
	case s.m.cannot[labels] != nil:
		return s.m.cannot[labels]
	case len(label) > maxLabel:
		return fmt.Errorf("session: label: %w: %d bytes, %d allowed", ErrTooLarge, len(label), maxLabel)
	}
	return s.change(ctx, edit{op: opMeta, field: merge.Label, value: label})
}

// Label returns the text that SetLabel has set, or "".
func (s *Session) Label(context.Context) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draft.Meta().Text(merge.Label)
}

// details loads the values of a listed record, which a list does not contain, and returns its Info. It returns
// [ErrNotFound] if the session has ended in the meantime.
func (m *Manager) details(ctx context.Context, e *driver.Entry) (Info, error) {
	ctx, cancel := m.loadContext(ctx)
	defer cancel()
	e.MaxData = m.envelope.MaxData()
	switch err := m.backend.Load(ctx, e.Key, &e.Record); {
	case isUnreadable(err):
		return m.info(e, nil), nil // as it is listed: it can be ended
	case err != nil:
		return Info{}, err
	}
	switch c, err := m.envelope.Open(e.Key, &e.Record); {
	case isUnreadable(err):
		return m.info(e, nil), nil
	case err != nil:
		return Info{}, err
	case !e.Live(time.Now()):
		return Info{}, ErrNotFound
	default:
		return m.info(e, c.Meta), nil
	}
}
