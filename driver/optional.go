package driver

import (
	"context"
	"iter"
	"time"
)

// The interfaces below are optional. The Manager also looks for them in the backends that Unwrap() Backend returns, so a
// Backend may wrap another. The package comment says what happens without each of them.
type (
	// InProcess marks a backend whose records never leave the memory of this process. Its keys are bare sids, because there
	// is no store from which they could be stolen. Its contexts have no timeout, because it never waits.
	InProcess interface{ InProcess() }

	// A Renamer regenerates a session in one step: it removes the live record under oldKey if its version is oldVersion,
	// and stores rec under newKey at version 1. It sets rec.Version to 1. It returns the same errors as Delete with a
	// version, and an error wrapping [ErrExists] if newKey has a live record or a mark. After any of these errors nothing
	// has changed.
	//
	// The Manager passes a mark whose Kind is not 0 only to a [Marker]. Rename then leaves that mark under oldKey. An
	// engine that needs a second step for this must document it. A failure between the two steps leaves no mark, and is not
	// an error.
	Renamer interface {
		Rename(ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *Record, mark Mark) error
	}
	// A Marker keeps marks. Until a mark expires, these methods treat its key specially on every node: Load returns a
	// [*MarkedError] with the mark, Create and Rename do not replace it, and Delete and Sweep leave it in place. Every
	// other method behaves as if the mark did not exist. Once the mark has expired, Sweep removes it, without calling
	// expired and without counting it. Clear removes a mark at any time.
	//
	// Mark stores mark under key. With version 0 it does so only if the key has neither a live record nor a mark; otherwise
	// it changes nothing and returns an error wrapping [ErrExists]. With any other version the mark replaces the live
	// record of that version in one step; otherwise the errors are those of Delete with a version.
	Marker interface {
		Mark(ctx context.Context, key string, version uint64, mark Mark) error
	}

	// A Counter returns the number of live records.
	Counter interface {
		Count(ctx context.Context) (int, error)
	}

	// A Sweeper removes expired records, in batches so small that no other call has to wait for it. It returns the number
	// of records that it removed, even if it also returns an error, such as that of ctx.
	//
	// If expired is not nil, Sweep calls it once for each record it has removed. If several nodes sweep, only one of them
	// calls it for a record. The backend holds no lock and no transaction open during the call, so expired may use the
	// backend, also to write. Sweep does not call it for a record if a crash or a lost connection leaves the removal in doubt.
	Sweeper interface {
		Sweep(ctx context.Context, expired func(key, user string)) (removed int, err error)
	}

	// A Lister yields the live records in no particular order. It yields a record that is live throughout the call exactly
	// once. Data is nil in every Entry. After an error it yields nothing more.
	Lister interface {
		List(ctx context.Context) iter.Seq2[Entry, error]
	}

	// A UserLister yields the live records of a user, with the guarantees of a Lister. user must not be "". A crash must
	// not hide a session: an index that finds the records is written before the record and removed after it, and ListUser
	// checks each record that it finds there. A concurrent Rename must not hide the session either: ListUser yields it
	// under the old or the new key.
	UserLister interface {
		ListUser(ctx context.Context, user string) iter.Seq2[Entry, error]
	}

	// An AliasLister yields the live records with this Alias, with the guarantees of a UserLister. alias must not be "". It
	// is reserved: the Manager does not call ListAlias yet.
	AliasLister interface {
		ListAlias(ctx context.Context, alias string) iter.Seq2[Entry, error]
	}
	// A UserLimiter limits how many sessions a user has. The limit is exact, even if the user logs in many times at once on
	// many nodes.
	//
	// Reserve makes room for one more session of user, which the caller then creates under key. It counts the user's live
	// records and the other reservations. It counts a record that is being renamed once. If the count has reached max,
	// Reserve with evict removes as many records as necessary, the earliest AuthTime first. It returns their keys, even if
	// it also returns an error. Without evict it changes nothing and returns an error wrapping [ErrTooManySessions].
	// Reserve never evicts a reservation. If there are already max reservations, Reserve with evict waits until one of them
	// becomes a record or lapses, or until ctx is done.
	//
	// A reservation is not a record: only another Reserve sees it. It ends when the record is created, and lapses at until.
	// Reserving again for the same key is like reserving anew, without counting the earlier reservation: it sets the time,
	// and if max is smaller now it evicts or refuses. A time in the past gives the place back, and evicts nobody.
	UserLimiter interface {
		Reserve(ctx context.Context, user, key string, until time.Time, max int, evict bool) (evicted []string, err error)
	}

	// A Clearer removes all records and marks of its namespace.
	Clearer interface {
		Clear(ctx context.Context) error
	}

	// A Watcher reports the records that are removed on any node. Watch calls destroyed with the key of each record of the
	// namespace that Delete, Rename, Mark or Reserve removes, also on this node. It does not report records that expire. It
	// calls resync whenever it is certain to miss nothing from then on: at the beginning and after each interruption. All
	// calls come from one goroutine. Watch returns when ctx is done, or with an error. After an error it may be called
	// again, unless the error wraps [errors.ErrUnsupported].
	Watcher interface {
		Watch(ctx context.Context, resync func(), destroyed func(key string)) error
	}

	// A KeyLimiter accepts keys of at most MaxKey bytes. If sids are the keys, as in beego mode, the Manager refuses a
	// configuration with longer sids. All other keys have 43 bytes.
	KeyLimiter interface{ MaxKey() int }

	// A Pinger checks for health checks whether the store can be used. Ping returns nil if it can. It returns an error,
	// before ctx ends, if the store does not answer or would refuse every write. For a store that is not a Pinger, the
	// Manager loads a record that does not exist, which is sufficient if the store needs no connection.
	Pinger interface {
		Ping(ctx context.Context) error
	}
)

// As returns the first backend that implements T, one of the optional interfaces: b itself, or one that Unwrap() Backend
// returns. It returns false if there is none.
func As[T any](b Backend) (T, bool) {
	for b != nil {
		if t, ok := b.(T); ok {
			return t, true
		}
		w, ok := b.(interface{ Unwrap() Backend })
		if !ok {
			break
		}
		b = w.Unwrap()
	}
	var none T
	return none, false
}
