export function activateCachedDriver(): void {}
