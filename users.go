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

// Info is what an application or an operator may know of a session. It lets nobody in.
type Info struct {
	ID       string    // the public id, as [Session.ID] returns it
	Label    string    // as [Session.SetLabel] has it
	User     string    // who is logged in, "" for nobody
	Created  time.Time // when it began, or the user logged in
	AuthTime time.Time // when the user logged in, the zero time if nobody did
	LastSeen time.Time // when it was last used, to within touchInterval
	Expires  time.Time // when it ends if it is not used again
	Deadline time.Time // when it ends, used or not; the zero time for never
}

// ID returns the session's public id, for logs, dashboards and [Manager.DestroyByID]: the sid cannot be found
// from it. It is "" while a lazy session has nothing to store, and another after Regenerate or Login.
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

// SessionsOf returns the live sessions of user, the latest login first. It loads each of them, to see that it opens. Having
// none is no error. Where the provider cannot list users the error wraps [errors.ErrUnsupported].
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
		case err == nil && info.User == user: // else the list was of what somebody had written there
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

// DestroyUser ends all sessions of user, but those with the public ids in except, and returns how many. It goes
// on until it finds none that was there before, so that one which gets a new sid meanwhile does not escape; a
// login during the call may stand. Each list of the sessions and each end takes at most opTimeout. With an error some may
// have ended.
func (m *Manager) DestroyUser(ctx context.Context, user string, except ...string) (int, error) {
	m.calls.begin()
	defer m.calls.end()
	ctx = orBackground(ctx)
	l, err := m.userLister(user)
	if err != nil {
		return 0, err
	}
	begun, ended := time.Now(), 0
	// A session that changes its sid while the list is read may be in neither place; it is in the next list. What is
	// in the first one ends even if its login is yet to come: by the clock of a node that is ahead of this one's.
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

// maxPasses is how often DestroyUser looks for sessions. No user is that busy: somebody puts them back.
const maxPasses = 256

var errComeBack = errors.New("session: destroy: sessions keep coming back after they were ended")

// DestroyOf ends the session of user with a public id, as [Info] has it, for a page on which users end their own: id may
// come from the request. A session of somebody else's, and of nobody's, is [ErrNotFound] as an absent one is, and stays; so is one
// that has another id by now, since a Regenerate or a Login gave it a new sid. A sid is no public id. With a provider that keeps no
// users the error wraps [errors.ErrUnsupported].
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

// keyOfUsers returns the storage key of a session of user. Where it is not the public id, it is among the user's.
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

// deleteOf removes the record under key if it is the user's, and rec then is what it has removed. What changes meanwhile is
// looked at again.
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

// userLister returns what lists the sessions of user.
func (m *Manager) userLister(user string) (driver.UserLister, error) {
	l, err := optional[driver.UserLister](m, userLists)
	if err == nil && user == "" {
		err = errNoName
	}
	return l, err
}

// entriesOf returns the records of a user, whose stored names these are: all of them, so that nothing else is asked while the
// list holds a connection. It takes no longer than any call of the store, or a silent server would hold it for ever.
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

// revoke ends the session under a storage key for somebody other than its client. user is as stored.
func (m *Manager) revoke(ctx context.Context, key, user string) error {
	event, err := m.revokeUntold(ctx, key, user)
	tell(event)
	return err
}

// revokeUntold is revoke for a caller that holds a lock: it returns what tells OnDestroy.
func (m *Manager) revokeUntold(ctx context.Context, key, user string) (event func(), err error) {
	ctx, cancel := m.saveContext(ctx)
	defer cancel()
	if err := m.backend.Delete(ctx, key, 0); err != nil {
		m.stats.count(failures)
		return nil, fmt.Errorf("session: destroy: %w", err)
	}
	return m.destroyed(ctx, key, user, ReasonRevoked), nil
}

// info returns what a record says of its session, which has this metadata.
func (m *Manager) info(e *driver.Entry, meta *merge.Meta) Info {
	now := time.Now()
	expires := merge.Bounded(now, e.Expires, e.Deadline)
	lastSeen := expires.Add(-m.envelope.Lifetimes.Of(meta).Idle)
	if expires.Equal(e.Deadline) || lastSeen.Before(e.Created) || lastSeen.After(now) { // then it tells nothing
		lastSeen = e.Created
	}
	return Info{
		ID: m.publicIDOf(e.Key), User: m.userName(e.User), Label: meta.Text(merge.Label), Created: e.Created, AuthTime: e.AuthTime,
		LastSeen: lastSeen, Expires: expires, Deadline: e.Deadline,
	}
}

// maxLabel is how many bytes a label may have. A browser's User-Agent is about half as long.
const maxLabel = 255

// SetLabel says what a user will know this session by in a list of all of them: "Firefox on Linux, Leeds". It
// is stored with the next save, as a value is, and stays over Regenerate and a Login of the same user; "" removes it, and
// so does Flush. More than 255 bytes are [ErrTooLarge]. Other errors are those of Set; a third-party provider has no
// place for it: [errors.ErrUnsupported].
func (s *Session) SetLabel(ctx context.Context, label string) error {
	switch {
	case s.m.cannot[labels] != nil:
		return s.m.cannot[labels]
	case len(label) > maxLabel:
		return fmt.Errorf("session: label: %w: %d bytes, %d allowed", ErrTooLarge, len(label), maxLabel)
	}
	return s.change(ctx, edit{op: opMeta, field: merge.Label, value: label})
}

// Label returns what SetLabel has set, or "".
func (s *Session) Label(context.Context) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draft.Meta().Text(merge.Label)
}

// details returns what a listed record says of its session together with its values, which a list does not have.
// It is [ErrNotFound] for one that has ended meanwhile.
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
