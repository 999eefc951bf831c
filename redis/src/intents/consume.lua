-- Replaces the open intents of a user by a used one, if it was open. KEYS[1]: the list of the user.
-- ARGV: the entry, how long the list has to live in milliseconds, the most used intents, and how the
-- entry began when the intent was open.
local entries = redis.call('LRANGE', KEYS[1], 0, -1)
local is_open = false
for _, entry in ipairs(entries) do
  is_open = is_open or entry:sub(1, #ARGV[4]) == ARGV[4]
end
if not is_open then return 0 end
for _, entry in ipairs(entries) do
  if entry:sub(1, 5) == 'open ' then redis.call('LREM', KEYS[1], 0, entry) end
end
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[3] - 1)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
