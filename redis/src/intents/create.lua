-- Adds an intent to the list of its user. KEYS[1]: the list, the newest entry first.
-- ARGV: the entry, how long the list has to live in milliseconds, the most open intents.
local room = ARGV[3] - 1
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if entry == ARGV[1] then
    return 1
  elseif entry:sub(1, 5) == 'open ' then
    room = room - 1
    if room < 0 then redis.call('LREM', KEYS[1], 0, entry) end
  end
end
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, 2 * ARGV[3] - 1)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
