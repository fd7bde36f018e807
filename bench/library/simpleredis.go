package library

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"
	"github.com/zerodha/simplesessions/stores/memory/v3"
	"github.com/zerodha/simplesessions/v3"
)

// A simpleRedis sends the commands of simplesessions/stores/redis/v3 v3.0.0, whose module cannot be had: the checksum
// database does not know it. The embedded store converts what is no number.
type simpleRedis struct {
	*memory.Store
	client *redis.Client
}

const (
	simplePrefix = "session:"
	simpleMark   = "_ss" // a hash cannot be empty
)

func (s *simpleRedis) Create(id string) error {
	p := s.client.TxPipeline()
	p.HSet(context.Background(), simplePrefix+id, simpleMark, "1")
	_, err := p.Exec(context.Background())
	return err
}

func (s *simpleRedis) Get(id, key string) (any, error) {
	values, err := s.client.HMGet(context.Background(), simplePrefix+id, simpleMark, key).Result()
	switch {
	case err != nil:
		return nil, err
	case values[0] == nil:
		return nil, simplesessions.ErrInvalidSession
	}
	return values[1], nil
}

func (s *simpleRedis) GetAll(id string) (map[string]any, error) {
	values, err := s.client.HGetAll(context.Background(), simplePrefix+id).Result()
	if err != nil {
		return nil, err
	}
	all := make(map[string]any)
	for key, value := range values {
		if key != simpleMark {
			all[key] = value
		}
	}
	return all, nil
}

func (s *simpleRedis) Set(id, key string, value any) error {
	p := s.client.TxPipeline()
	p.HSet(context.Background(), simplePrefix+id, key, value)
	p.HSet(context.Background(), simplePrefix+id, simpleMark, "1")
	_, err := p.Exec(context.Background())
	return err
}

func (s *simpleRedis) SetMulti(id string, data map[string]any) error {
	args := []any{simpleMark, "1"}
	for key, value := range data {
		args = append(args, key, value)
	}
	p := s.client.TxPipeline()
	p.HSet(context.Background(), simplePrefix+id, args...) // theirs says HMSET, which is the same
	_, err := p.Exec(context.Background())
	return err
}

func (s *simpleRedis) Destroy(id string) error {
	return s.client.Del(context.Background(), simplePrefix+id).Err()
}

// Int64 converts a number, which Redis returns as text.
func (s *simpleRedis) Int64(value any, err error) (int64, error) {
	text, ok := value.(string)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return 0, simplesessions.ErrAssertType
	}
	return strconv.ParseInt(text, 10, 64)
}
