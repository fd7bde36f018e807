package driver

import (
	"context"
	"iter"
	"time"
)

// The interfaces below are optional. The Manager looks for them through Unwrap() Backend too, so that a
// Backend may wrap another. What needs an absent one returns an error wrapping [errors.ErrUnsupported].
type (
	// InProcess marks a backend whose records never leave this process's memory. It is given bare sids
	// as keys, since there is no store to steal them from, and contexts without a timeout, since it
	// never waits.
	InProcess interface{ InProcess() }

	// A Renamer regenerates in one step: it removes the live record under oldKey if its version is
	// oldVersion, and stores rec under newKey at version 1. Errors are those of Delete at a version; with
	// an error nothing has changed. It sets rec.Version to 1, and returns an error wrapping [ErrExists] if a
	// live record or a mark has newKey.
	//
	// If the Kind of mark is not 0, which a [Marker] alone is given, it leaves the mark under oldKey. An engine for which that
	// is a second step says so; what fails in between leaves no mark, and is no error.
	Renamer interface {
		Rename(ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *Record, mark Mark) error
	}
	// A Marker keeps marks. To all other methods, on all nodes, a mark is as good as nothing until it expires, but for these:
	// Load returns a [*MarkedError] with it, Create and Rename do not replace it, Delete and Sweep leave it alone. Once it
	// has expired Sweep removes it, without telling of it or counting it; Clear removes it at any time.
	//
	// Mark puts mark under key. With version 0 it does so only where there is neither a live record nor a mark: otherwise it
	// changes nothing, and returns an error wrapping [ErrExists]. With another version the mark takes the place of the live
	// record of that version, in one step: otherwise the errors are those of Delete at a version.
	Marker interface {
		Mark(ctx context.Context, key string, version uint64, mark Mark) error
	}

	// A Counter counts the live records.
	Counter interface {
		Count(ctx context.Context) (int, error)
	}

	// A Sweeper removes expired records, in slices so small that nobody else waits for it. It returns
	// how many it removed, also with an error, such as that of ctx.
	//
	// If expired is not nil, it is called for each of them once it is removed, by one of the nodes that sweep, with no lock
	// held: it may use the backend. What a crash or a lost connection leaves in doubt it is not called for.
	Sweeper interface {
		Sweep(ctx context.Context, expired func(key, user string)) (removed int, err error)
	}

	// A Lister yields the live records in no particular order, each one that is live throughout exactly
	// once. Their Data is nil. After an error it yields no more.
	Lister interface {
		List(ctx context.Context) iter.Seq2[Entry, error]
	}

	// A UserLister yields the live records whose User is user, as a Lister does. user is not "". An index that
	// finds them is written before the record and removed after it, and what it finds is verified on reading: a
	// crash between the two hides no session. Nor does a Rename meanwhile: the record is yielded under the one key or
	// the other.
	UserLister interface {
		ListUser(ctx context.Context, user string) iter.Seq2[Entry, error]
	}

	// An AliasLister yields the live records whose Alias is alias, as a UserLister does those of a user. alias is not "".
	AliasLister interface {
		ListAlias(ctx context.Context, alias string) iter.Seq2[Entry, error]
	}
	// A UserLimiter bounds how many sessions a user has, exactly, however many log in at once on however
	// many nodes.
	//
	// Reserve makes room for one more session of user, which the caller then creates under key. It counts the
	// user's live records, one that is being renamed once, and what else is reserved. If there are max of them or
	// more it removes, with evict, as many records as must go, the earliest AuthTime first, and returns their keys,
	// also with an error; without evict it returns an error wrapping [ErrTooManySessions] and changes nothing. What
	// is reserved is never evicted: when there are max reservations, Reserve with evict waits until one of them
	// became a record or lapsed, or ctx is done.
	//
	// A reservation is no record: nothing finds it but another Reserve. It ends when the record is created, or
	// else lapses at until. Reserving again for a key only moves that time: to one that is over, to give the place back.
	UserLimiter interface {
		Reserve(ctx context.Context, user, key string, until time.Time, max int, evict bool) (evicted []string, err error)
	}

	// A Clearer removes all records of its namespace.
	Clearer interface {
		Clear(ctx context.Context) error
	}

	// A Watcher tells of records that others remove. Watch calls destroyed with the key of each record of the
	// namespace that Delete, Rename, Mark or Reserve removes, on whatever node, this one too, but not of what expires. It
	// calls resync once it will miss nothing from then on, at the beginning and after each interruption. The calls
	// come from one goroutine. Watch returns when ctx is done, or with an error, after which it may be called
	// again unless it wraps [errors.ErrUnsupported].
	Watcher interface {
		Watch(ctx context.Context, resync func(), destroyed func(key string)) error
	}

	// A KeyLimiter takes keys of up to MaxKey bytes. Where sids are the keys, as in beego mode, a manager whose sids are longer
	// is refused. Other keys have 43.
	KeyLimiter interface{ MaxKey() int }

	// A Pinger tells whether the store can be used, for health checks: nil if it can; an error, within the time of ctx, if it does
	// not answer, or would refuse whatever it is asked to store. A store that is no Pinger is asked for a record that nobody has,
	// which is as good where nothing has to be reached.
	Pinger interface {
		Ping(ctx context.Context) error
	}
)

// As returns the first of b and the backends it wraps that implements T, one of the optional
// interfaces of a Backend.
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
