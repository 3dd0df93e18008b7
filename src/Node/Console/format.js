const whole = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export const count = number => whole.format(number);

export const short = number => (number < 10000 ? whole.format(number) : compact.format(number));

export const plural = (number, one) => `${count(number)} ${one}${number === 1 ? '' : 's'}`;

export const time = unixMs => clock.format(new Date(unixMs));

/** As people say it: 0.3 s, 12 s, 3 min. */
export const duration = seconds => {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 119.5) return `${Math.round(seconds)} s`;
  return seconds < 7170 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
};
