// Shows how loud the microphone hears somebody, and tells when it hears nothing.

const QUIETEST = -60; // decibels below the loudest there is
const SILENT_FOR = 5_000;

// Listens to a stream; returns what stops it. `onSilence` is called once after seconds of nothing.
export function listen(stream, meter, onSilence) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  const wave = new Float32Array(analyser.fftSize);
  let heardAt = performance.now();
  let frame;

  context.createMediaStreamSource(stream).connect(analyser);
  context.resume().catch(() => {});

  function look() {
    analyser.getFloatTimeDomainData(wave);
    const power = wave.reduce((sum, value) => sum + value * value, 0) / wave.length;
    const level = Math.max(0, 1 - (10 * Math.log10(power || 1e-12)) / QUIETEST);
    meter.value = level;
    if (level > 0.1) heardAt = performance.now();
    if (context.state === "running" && performance.now() - heardAt > SILENT_FOR) {
      heardAt = Infinity;
      onSilence();
    }
    frame = requestAnimationFrame(look);
  }
  look();

  return () => {
    cancelAnimationFrame(frame);
    meter.value = 0;
    context.close();
  };
}
