/** Pixels between ticks, about. */
const TICK_DISTANCE = 80;

/** Seconds between the ticks of an axis `pixels` long: the smallest round number that leaves room for labels. */
export function tickStep(duration: number, pixels: number): number {
  const rough = (duration * TICK_DISTANCE) / pixels;
  const base = 10 ** Math.floor(Math.log10(rough));
  const decimal = [1, 2, 5, 10].map((factor) => factor * base);
  const clock = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const candidates = rough > 10 ? clock : decimal;
  return candidates.find((step) => step >= rough) ?? Math.ceil(rough / 3600) * 3600;
}

/** Plain seconds for short videos, m:ss or h:mm:ss for long ones. */
export function formatTime(seconds: number, step: number): string {
  if (step <= 10) return `${Number(seconds.toPrecision(6))}`;
  const whole = Math.round(seconds);
  const pad = (n: number) => `${n}`.padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}
