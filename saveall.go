package session

import (
	"context"
	"errors"
)

// SaveAll saves several sessions of one request, such as those of several managers, one after another: the failure
// of one keeps none of the others from being saved. Errors are joined. A nil Session is left out.
func SaveAll(ctx context.Context, sessions ...*Session) error {
	var errs []error
	for _, s := range sessions {
		if s != nil {
			errs = append(errs, s.Save(ctx))
		}
	}
	return errors.Join(errs...)
}
